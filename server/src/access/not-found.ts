import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { ScopedKind } from '@rollcall/contracts/admin'

/** The error code, the noun and the list command for each kind. */
const ABSENCES: Record<ScopedKind, { code: ErrorCode; noun: string; listedBy: string }> = {
  host: { code: 'host.not_found', noun: 'host named', listedBy: 'rollcall host list' },
  command: { code: 'command.not_found', noun: 'command', listedBy: 'rollcall command list' },
  run: { code: 'run.not_found', noun: 'run', listedBy: 'rollcall runs list' },
  transfer: { code: 'transfer.not_found', noun: 'transfer', listedBy: 'rollcall transfers' },
}

/**
 * Returns the same error for what does not exist and for what is outside the caller's scope, so that callers cannot
 * tell them apart.
 */
export function notFound(kind: ScopedKind, about: string, field?: string): RollcallError {
  const { code, noun, listedBy } = ABSENCES[kind]
  return new RollcallError(
    code,
    `There is no ${noun} ${about}. List them: ${listedBy}`,
    field === undefined ? {} : { fields: [{ field, message: `"${about}" is unknown` }] },
  )
}
