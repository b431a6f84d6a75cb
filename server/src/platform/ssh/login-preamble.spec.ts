import { describe, expect, it } from 'vitest'
import { LoginPreamble, newMarks } from './login-preamble.ts'

const MARK = 'rollcall-0-begin'

function read(pieces: readonly string[]) {
  const preamble = new LoginPreamble(MARK)
  const output = Buffer.concat(pieces.map((piece) => preamble.consume(Buffer.from(piece)))).toString()
  return { output, words: preamble.text, isOver: preamble.isOver }
}

describe('what login files print before a program', () => {
  it('output of login files is separated from the program’s, however the stream is cut', () => {
    const text = `Welcome to web-1!\n${MARK}\nhello\n`
    for (let first = 0; first <= text.length; first++)
      for (let second = first; second <= text.length; second += 3) {
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)]
        expect(read(pieces)).toEqual({ output: 'hello\n', words: 'Welcome to web-1!', isOver: true })
      }
  })

  it('output of login files may lack a line end, or look like the mark', () => {
    expect(read([`no end${MARK}\nx`]).output).toBe('x')
    expect(read([`rollcall-0-beg`, `in ${MARK}`, '\nx'])).toMatchObject({ output: 'x', isOver: true })
  })

  it('output of login files is everything if the program never ran', () => {
    expect(read(['This account is currently ', 'not available.\n'])).toEqual({
      output: '',
      words: 'This account is currently not available.',
      isOver: false,
    })
  })

  it('output of login files is kept within bounds, and the program is found behind it', () => {
    const { output, words } = read([...Array.from({ length: 300 }, () => 'x'.repeat(1000)), `${MARK}\nhello`])
    expect(output).toBe('hello')
    expect(words.length).toBeLessThanOrEqual(4096)
  })

  it('endless output of login files is an error', () => {
    const preamble = new LoginPreamble(MARK)
    const piece = Buffer.alloc(1024 ** 2, 'x')
    for (let times = 0; times < 16; times++) preamble.consume(piece)
    expect(preamble.isTooLong).toBe(false)
    preamble.consume(piece)
    expect(preamble.isTooLong).toBe(true)
  })

  it('login files cannot print the mark by chance', () => {
    const [one, other] = [newMarks(), newMarks()]
    expect(new Set([one.stdout, one.stderr, other.stdout, other.stderr]).size).toBe(4)
  })
})
