import type { LoginMarks } from './login-preamble.ts'

const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/
const PRINTABLE = /^[\x20-\x7e]*$/

/**
 * Writes an argv as the one string that SSH's exec request carries. Whatever the login shell is (a POSIX one, csh, tcsh
 * or fish), it starts `sh`, which writes its mark to each output, the login files being through, and becomes the program with exactly
 * this argv. The only place where such a string is made.
 * @throws RangeError for an empty argv or a NUL character, which no argv can hold.
 */
export function quoteArgv(argv: readonly string[], marks: LoginMarks): string {
  if (argv.length === 0) throw new RangeError('an argv needs at least the name of a program')
  const text = `exec ${argv.map(quoteWord).join(' ')}`
  // Standard error first: where a login file has joined the two, its mark is before the other and so no output.
  const script = `echo ${marks.stderr} >&2; echo ${marks.stdout}; ${PRINTABLE.test(text) ? text : evalOf(text)}`
  const command = `sh -c ${quoteForAnyShell(script)}`
  // In the login shell's place, whose end a login file may have arranged words for; a restricted shell does not let it go.
  return `exec ${command} || ${command}`
}

/** For a POSIX shell. */
function quoteWord(word: string): string {
  if (word.includes('\0')) throw new RangeError('an argument cannot hold a NUL character')
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** The same command in printable ASCII: csh takes no line end in quotes, and other characters are a matter of locale. */
function evalOf(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    return isPlain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`
  })
  return `eval "$(printf %b ${quoteWord(escaped.join(''))})"`
}

/**
 * One word for every login shell: within single quotes fish knows backslashes, csh knows `!` and no shell a single quote,
 * while all of them agree on what a backslash is outside of quotes.
 */
const quoteForAnyShell = (text: string): string =>
  `'${text.replaceAll(/['\\!]/g, (found) => `'\\${found}'`)}'`
