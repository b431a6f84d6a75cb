/** A quoted part of a word, a character after a backslash, what is between words, or any other character. */
const PARTS = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|(\s+)|./gs

/** Splits a line into words as Python's `shlex.split(line, comments=True)` does, which Ansible reads inventories with. Throws for an open quote. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (const [part, single, double, escaped, space] of line.matchAll(PARTS)) {
    if (part === '#') break
    if (part === "'" || part === '"') throw new SyntaxError('has an unclosed quote')
    if (part === '\\') throw new SyntaxError('ends in a backslash')
    if (space !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? part)
  }
  return word === undefined ? words : [...words, word]
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }

/** Returns the text of a value in an INI inventory: a Python string literal loses its quotes, anything else is unchanged. */
export function literalText(value: string): string {
  const [, , inside] = /^(["'])((?:\\.|(?!\1)[^\\\n])*)\1$/s.exec(value) ?? []
  if (inside === undefined) return value
  return inside.replace(/\\(.)/gs, (whole, char: string) => ESCAPES[char] ?? whole)
}
