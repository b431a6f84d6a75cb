import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { ScopedKind } from '@rollcall/contracts/admin'

/** The code for each, how it is spoken of, and where the command line shows those there are. */
const ABSENCES: Record<ScopedKind, { code: ErrorCode; noun: string; listedBy: string }> = {
  host: { code: 'host.not_found', noun: 'host called', listedBy: 'rollcall host list' },
  command: { code: 'command.not_found', noun: 'command', listedBy: 'rollcall command list' },
  run: { code: 'run.not_found', noun: 'run', listedBy: 'rollcall runs list' },
  transfer: { code: 'transfer.not_found', noun: 'transfer', listedBy: 'rollcall transfers' },
}

/** Makes the one answer to what does not exist and to what lies outside of somebody's scope: nobody can tell the two apart. */
export function notFound(kind: ScopedKind, about: string, field?: string): RollcallError {
  const { code, noun, listedBy } = ABSENCES[kind]
  return new RollcallError(
    code,
    `There is no ${noun} ${about}. "${listedBy}" shows those there are.`,
    field === undefined ? {} : { fields: [{ field, message: `"${about}" is unknown` }] },
  )
}
