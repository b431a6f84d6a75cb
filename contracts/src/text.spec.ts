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

it('characters that act in a terminal or fail in a database are replaced', () => {
  for (const text of HOSTILE) {
    expect(plainText(100).safeParse(text).success, JSON.stringify(text)).toBe(false)
    expect(plainText(100).safeParse(sanitizeText(text, 100)).success, JSON.stringify(text)).toBe(true)
  }
})

it('text of any script is plain text', () => {
  for (const text of ['', 'Debian GNU/Linux', 'größe', '主机', '😀'])
    expect([plainText(100).parse(text), sanitizeText(text, 100)]).toEqual([text, text])
})

it('text cut in the middle of a character keeps no half of it', () => {
  expect(sanitizeText('😀😀', 3)).toBe('😀\ufffd')
})
