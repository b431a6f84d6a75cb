import { RollcallError } from '@rollcall/contracts'

interface Redirectable {
  program: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  target: unknown
}

const WHERE_VALUES_GO = ['target', 'program', 'args', 'cwd'] as const

/**
 * Refuses a change by which values that were given for one command and target would go to another: whoever changes it does not have to
 * know them. Throws `saved_command.sealed`. Pure.
 */
export function refuseRedirected(before: Redirectable, after: Redirectable, field = 'env'): void {
  const names = Object.keys(before.env)
  const changed = WHERE_VALUES_GO.find((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  if (names.length === 0 || changed === undefined) return
  throw new RollcallError(
    'saved_command.sealed',
    `Its environment has values that were given for another ${changed}: give ${names.slice(0, 20).join(', ')} again with this change, or an empty environment.`,
    { fields: [{ field, message: `must be given again where ${changed} is changed` }] },
  )
}
