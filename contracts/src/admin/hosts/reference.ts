import { hasUuidForm, plainText } from '../../text.ts'

/** The reference to a host: its id, or else its name. */
export const hostReference = plainText(63).min(1).describe('name or id')

/** Exactly one of the two: an id is never looked up among names, nor a name among ids. */
export type HostReference = { id: string } | { name: string }

/** Reads what somebody has called a host by. Returns an id for what has the form of one, and a name for anything else. */
export const readHostReference = (text: string): HostReference =>
  hasUuidForm(text) ? { id: text.toLowerCase() } : { name: text }
