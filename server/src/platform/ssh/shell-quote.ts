import type { LoginMarks } from './login-preamble.ts'

const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/
const PRINTABLE = /^[\x20-\x7e]*$/

/**
 * Quotes an argv as the single string of SSH's exec request. Any login shell starts `sh`, which prints a mark on each
 * stream once the login files are done, then becomes the program with exactly this argv. Throws RangeError for an empty
 * argv or a NUL character.
 */
export function quoteArgv(argv: readonly string[], marks: LoginMarks): string {
  if (argv.length === 0) throw new RangeError('an argv needs at least the name of a program')
  const text = `exec ${argv.map(quoteWord).join(' ')}`
  // Standard error first: if a login file merged the streams, its mark precedes the other and is not output.
  const script = `echo ${marks.stderr} >&2; echo ${marks.stdout}; ${PRINTABLE.test(text) ? text : toEval(text)}`
  const command = `sh -c ${quoteForAnyShell(script)}`
  // `exec` replaces the login shell, whose exit a login file may hook; a restricted shell refuses it.
  return `exec ${command} || ${command}`
}

/** Quotes a word for a POSIX shell. */
function quoteWord(word: string): string {
  if (word.includes('\0')) throw new RangeError('an argument cannot hold a NUL character')
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * Returns the same command in printable ASCII: csh allows no line breaks in quotes, and other characters depend on the
 * locale.
 */
function toEval(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    return isPlain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`
  })
  return `eval "$(printf %b ${quoteWord(escaped.join(''))})"`
}

/**
 * Quotes a word for every login shell: inside single quotes fish interprets backslashes and csh `!`, but all agree on
 * backslashes outside quotes.
 */
const quoteForAnyShell = (text: string): string =>
  `'${text.replaceAll(/['\\!]/g, (found) => `'\\${found}'`)}'`
