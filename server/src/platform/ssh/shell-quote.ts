const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/

/**
 * Writes an argv as the one string that SSH's exec request carries, for the POSIX shell on the other side to take apart
 * again into exactly this argv. The only place where such a string is made.
 * @throws RangeError for an empty argv or a NUL character, which no argv can hold.
 */
export function quoteArgv(argv: readonly string[]): string {
  if (argv.length === 0) throw new RangeError('an argv needs at least the name of a program')
  return argv.map(quoteWord).join(' ')
}

function quoteWord(word: string): string {
  if (word.includes('\0')) throw new RangeError('an argument cannot hold a NUL character')
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
