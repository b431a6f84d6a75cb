import { expect, it } from 'vitest'
import { plainText, sanitizeText } from './text.ts'

const HOSTILE = [
  '\u001b[2J',
  'a\u0000b',
  'a\nb',
  '\u202egnp.exe',
  '\u2028',
  '\ud800',
  'a\udc00b',
  '\u009b31m',
]

it('what could act in a terminal, or is refused by a database, is no plain text and is made harmless', () => {
  for (const text of HOSTILE) {
    expect(plainText(100).safeParse(text).success, JSON.stringify(text)).toBe(false)
    expect(plainText(100).safeParse(sanitizeText(text, 100)).success, JSON.stringify(text)).toBe(true)
  }
})

it('text of any script is plain', () => {
  for (const text of ['', 'Debian GNU/Linux', 'größe', '主机', '😀'])
    expect([plainText(100).parse(text), sanitizeText(text, 100)]).toEqual([text, text])
})

it('a cut in the middle of a character leaves no half of it', () => {
  expect(sanitizeText('😀😀', 3)).toBe('😀\ufffd')
})
