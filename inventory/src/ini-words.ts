/** Splits a line into words as Python's `shlex.split(line, comments=True)` does, which Ansible reads inventories with. Throws for an open quote. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"' && /["\\]/.test(line[at + 1] ?? '')) word += line[++at] ?? ''
      else word += char
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === '#') break
    else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\') {
      if (at + 1 >= line.length) throw new SyntaxError('ends in a backslash')
      word = (word ?? '') + line[++at]
    } else word = (word ?? '') + char
  }
  if (quote !== '') throw new SyntaxError('has an unclosed quote')
  if (word !== undefined) words.push(word)
  return words
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }

/** Returns the text of a value in an INI inventory: a Python string literal loses its quotes, anything else is unchanged. */
export function literalText(value: string): string {
  const [, , inside] = /^(["'])((?:\\.|(?!\1)[^\\\n])*)\1$/s.exec(value) ?? []
  if (inside === undefined) return value
  return inside.replace(/\\(.)/gs, (whole, char: string) => ESCAPES[char] ?? whole)
}
