import { describe, expect, it } from 'vitest'
import { TerminalEscape } from './terminal-escape.ts'

const type = (...pieces: string[]) => {
  const keys = new TerminalEscape()
  let sent = ''
  for (const piece of pieces) {
    const { data, isLeaving } = keys.feed(Buffer.from(piece, 'latin1'))
    sent += data.toString('latin1')
    if (isLeaving) return { sent, isLeaving }
  }
  return { sent, isLeaving: false }
}

describe('TerminalEscape', () => {
  it.each([
    ['~. at the very start leaves', ['~.'], '', true],
    ['~. after Enter leaves, in pieces too', ['ls\r', '~', '.'], 'ls\r', true],
    ['~. within a line is only text', ['cat a~.txt\r'], 'cat a~.txt\r', false],
    ['a path that starts with ~ reaches the program', ['~', '/bin/x\r'], '~/bin/x\r', false],
    ['~~ sends one ~, and a dot after it does not leave', ['~~.'], '~.', false],
    [
      'every other byte goes through, Ctrl-C too',
      ['\x00\x03\x04\xff\x1b[A'],
      '\x00\x03\x04\xff\x1b[A',
      false,
    ],
  ])('the escape in a terminal: %s', (_what, pieces, sent, isLeaving) => {
    expect(type(...pieces)).toEqual({ sent, isLeaving })
  })
})
