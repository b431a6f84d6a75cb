import { describe, expect, it } from 'vitest'
import { TerminalLine } from './terminal-line.ts'

const encode = (text: string) => new TextEncoder().encode(text)
function shown(...parts: string[]): string {
  const line = new TerminalLine()
  for (const part of parts) line.write(encode(part))
  return line.text
}
/** The same text in every way of coming in pieces of bytes. */
function inPieces(text: string): string[] {
  const bytes = encode(text)
  return [1, 2, 3, 7].map((size) => {
    const line = new TerminalLine()
    for (let at = 0; at < bytes.length; at += size) line.write(bytes.subarray(at, at + size))
    return line.text
  })
}

describe('a line of output is shown as a terminal shows it', () => {
  it.each([
    [
      'what is written after a carriage return goes over what stands there and leaves the rest',
      'hello\rJ',
      'Jello',
    ],
    ['a shorter progress leaves the end of the longer one', ' 10 % done\r100 %', '100 % done'],
    ['a carriage return at its end is the end of the line', 'plain\r', 'plain'],
    ['several at its end as well', 'plain\r\r', 'plain'],
    ['erasing to the right', 'downloading\r\u001b[Kdone', 'done'],
    ['erasing all', 'abc\u001b[2K\rx', 'x'],
    ['backspaces, as of a spinner', '|\b/\b-\b\\', '\\'],
    ['a cursor that is set to a column', 'abc\u001b[1GX', 'Xbc'],
    ['and moved', 'abc\u001b[2DX\u001b[3CY', 'aXc  Y'],
    ['a wide character of which one half is written over', '中文\ra', 'a 文'],
    ['a wide character over two narrow ones', 'abcd\r中', '中cd'],
    ['an accent that is put on the letter before', 'e\u0301x\rE', 'Ex'],
    ['an empty line', '', ''],
  ])('%s', (_what, text, wanted) => {
    expect(shown(text).trimEnd()).toBe(wanted.trimEnd())
    for (const pieced of inPieces(text)) expect(pieced.trimEnd()).toBe(wanted.trimEnd())
  })

  it('colours stay with the characters that were written in them', () => {
    expect(shown('\u001b[31mred\u001b[0m\rR')).toBe('R\u001b[0m\u001b[31med')
    expect(shown('\u001b[31mred\u001b[0m plain')).toBe('\u001b[31mred\u001b[0m plain')
  })

  it('a line ends with the last of a million updates, and keeps no more than one of them', () => {
    const line = new TerminalLine()
    for (let i = 0; i <= 100_000; i++) line.write(encode(`\rstep ${i} of 100000`))
    expect(line.text).toBe('step 100000 of 100000')
    expect(line.cutBytes).toBe(0)
  })

  it('a line that is longer than can be shown says by how much, and still takes what is written at its beginning', () => {
    const line = new TerminalLine()
    line.write(encode('x'.repeat(100_000)))
    expect([line.text.length, line.cutBytes]).toEqual([16_384, 100_000 - 16_384])
    line.write(encode('\ryes'))
    expect(line.text.slice(0, 5)).toBe('yesxx')
    line.write(encode('\r\u001b[Kdone'))
    expect([line.text, line.cutBytes]).toEqual(['done', 0])
  })

  it.each(['\u001b[999999999C', '\u001b[999999999@', '\u001b[999999999Gx', '\u001b[0;'.repeat(1000)])(
    'whatever a hostile host asks for (%j), it stays bounded',
    (text) => {
      const line = new TerminalLine()
      line.write(encode('a\r'))
      for (let i = 0; i < 50; i++) line.write(encode(text))
      expect(line.text.length).toBeLessThan(100_000)
    },
  )
})
