import { RollcallError } from '@rollcall/contracts'

interface Redirectable {
  program: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  target: unknown
}

const DESTINATION_FIELDS = ['target', 'program', 'args', 'cwd'] as const

/**
 * Refuses a change that would send secret values to another command or target, since the editor need not know them.
 * Throws `saved_command.sealed`. Pure.
 */
export function refuseRedirectedSecrets(before: Redirectable, after: Redirectable, field = 'env'): void {
  const names = Object.keys(before.env)
  const changed = DESTINATION_FIELDS.find((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  if (names.length === 0 || changed === undefined) return
  throw new RollcallError(
    'saved_command.sealed',
    `The values in its environment were set for another ${changed}. Set ${names.slice(0, 20).join(', ')} again with this change, or set an empty environment.`,
    { fields: [{ field, message: `must be set again when ${changed} changes` }] },
  )
}
