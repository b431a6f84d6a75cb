import { RollcallError } from '@rollcall/contracts'
import type { ScopedKind } from '@rollcall/contracts/admin'

/** Where the command line shows those there are. */
const LISTED_BY: Record<ScopedKind, string> = {
  host: 'rollcall host list',
  command: 'rollcall command list',
  run: 'rollcall runs list',
  transfer: 'rollcall transfers',
}

/** Makes the one answer to what does not exist and to what lies outside of somebody's scope: nobody can tell the two apart. */
export const notFound = (kind: ScopedKind, about: string, field?: string) =>
  new RollcallError(
    `${kind}.not_found`,
    `There is no ${kind} ${about}. "${LISTED_BY[kind]}" shows those there are.`,
    field === undefined ? {} : { fields: [{ field, message: `"${about}" is unknown` }] },
  )
