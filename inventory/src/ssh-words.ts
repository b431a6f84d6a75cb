/**
 * Splits the rest of a line as OpenSSH's `argv_split` does: quotes of both kinds, backslashes before quotes, backslashes and blanks, and a
 * comment where a word begins with `#`. Returns null for a quote that is not closed.
 */
export function splitArguments(text: string): string[] | null {
  const words: string[] = []
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] as string)) {
      at++
      continue
    }
    if (text[at] === '#') break
    let word = ''
    let quote = ''
    for (; at < text.length; at++) {
      const char = text[at] as string
      const next = text[at + 1]
      if (char === '\\' && next !== undefined && (/['"\\]/.test(next) || (quote === '' && next === ' '))) {
        word += next
        at++
      } else if (quote === '' && /\s/.test(char)) break
      else if (quote === '' && (char === '"' || char === "'")) quote = char
      else if (quote !== '' && char === quote) quote = ''
      else word += char
    }
    if (quote !== '') return null
    words.push(word)
  }
  return words
}
