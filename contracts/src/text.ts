import { z } from 'zod'

/**
 * One line of text that a person reads in a table or a terminal: no control characters, so that it cannot act, and no
 * half of a surrogate pair, which no database accepts.
 */
export const plainText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(
      /^[^\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]*$/u,
      'must not contain control or invisible formatting characters',
    )

/** Makes hostile text fit for `plainText`: every forbidden character becomes U+FFFD and the rest is cut at `maxLength`. */
export function sanitizeText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\uFFFD')
}

/** A carriage return at the end of a line, a tab and the codes for colours do no harm. */
const HARMLESS = /\r$|\t|\u001b\[[0-9;:]*m/
/** C0 and C1 controls, marks that turn the direction of text, other line ends, tags and half characters. */
const HARMFUL = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cc}\p{Cs}]/u
const ACTING = new RegExp(`(${HARMLESS.source})|${HARMFUL.source}`, 'gu')
const COLOUR = /\u001b\[([0-9;:]*)m/g

/**
 * Makes a line of a program's output fit for a terminal that several hosts share: it cannot move the cursor, turn the direction of
 * text or colour the lines of others. Each character that could becomes `?`.
 */
export function terminalLine(line: string): string {
  const shown = line.replace(ACTING, (_found, allowed?: string) => allowed ?? '?')
  const colour = [...shown.matchAll(COLOUR)].at(-1)?.[1]
  if (colour === undefined || /^0*$/.test(colour)) return shown
  const end = shown.endsWith('\r') ? -1 : shown.length
  return `${shown.slice(0, end)}\u001b[0m${shown.slice(end)}`
}

/** Random bytes written as text, as `crypto.randomBytes(n).toString('base64url')` gives them. */
export const base64Url = (minLength: number, maxLength: number) =>
  z
    .string()
    .min(minLength)
    .max(maxLength)
    .regex(/^[A-Za-z0-9_-]*$/, 'must be base64url text')

/** A public-key pin: SHA-256 over the DER SubjectPublicKeyInfo of a certificate, as `sha256/<base64>` (RFC 7469). */
export const spkiPin = z
  .string()
  .regex(/^sha256\/[A-Za-z0-9+/]{43}=$/, 'must be sha256/ followed by 44 characters of base64')

/** An OpenSSH fingerprint as `ssh-keygen -l` prints it. */
export const sshFingerprint = z
  .string()
  .regex(
    /^SHA256:[A-Za-z0-9+/]{43}$/,
    'must be SHA256: followed by 43 characters, as ssh-keygen -l prints it',
  )

/** A lower-case UUID. */
export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a lower-case UUID')

const UUID_FORM = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Tells whether a text has the form of an id, in either case. Such a text is looked up as an id only, and anything else as a name only. */
export const hasUuidForm = (text: string): boolean => UUID_FORM.test(text)

/** Refuses a text for which `faultOf` returns a message about its fault; what else it returns does not matter. */
export const withoutFault =
  (faultOf: (text: string) => unknown) =>
  (text: string, context: z.RefinementCtx): void => {
    const message = faultOf(text)
    if (typeof message === 'string') context.addIssue({ code: 'custom', message })
  }

/** Narrows a schema to names that can never be taken for an id. */
export const neverAnId = <Name extends z.ZodString>(name: Name) =>
  name.refine((text) => !hasUuidForm(text), {
    error: 'must not have the form of a UUID, since ids have it: choose a name that says what it is',
  })
