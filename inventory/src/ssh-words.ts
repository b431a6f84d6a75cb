/** A part in quotes, a character after a backslash, what is between words, or any other character. */
const PARTS = /(['"])((?:\\['"\\]|(?!\\['"\\]|\1).)*)\1|\\(['"\\ ])|(\s+)|./gs

/**
 * Splits the rest of a line as OpenSSH's `argv_split` does: quotes of both kinds, backslashes before quotes, backslashes and blanks, and a
 * comment where a word begins with `#`. Returns null for a quote that is not closed.
 */
export function splitArguments(text: string): string[] | null {
  const words: string[] = []
  let word: string | undefined
  for (const [part, , quoted, escaped, space] of text.matchAll(PARTS)) {
    if (part === '#' && word === undefined) break
    if (part === "'" || part === '"') return null
    if (space !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (quoted?.replace(/\\(['"\\])/g, '$1') ?? escaped ?? part)
  }
  return word === undefined ? words : [...words, word]
}
