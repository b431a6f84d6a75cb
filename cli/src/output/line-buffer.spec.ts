import { describe, expect, it } from 'vitest'
import { LineBuffer, MAX_LINE_BYTES } from './line-buffer.ts'

const texts = (lines: readonly Buffer[]) => lines.map(String)

describe('LineBuffer', () => {
  it('lines are whole however the bytes are cut, so that lines of hosts never mix', () => {
    const text = Buffer.from('eins\n\nzwei – drei\r\n日本語\nrest')
    for (let size = 1; size <= text.length; size++) {
      const buffer = new LineBuffer()
      const lines: Buffer[] = []
      for (let at = 0; at < text.length; at += size) lines.push(...buffer.push(text.subarray(at, at + size)))
      expect(texts(lines)).toEqual(['eins', '', 'zwei – drei\r', '日本語'])
      expect(String(buffer.flush())).toBe('rest')
      expect(buffer.flush()).toBeUndefined()
    }
  })

  it('breaks a line that never ends, between characters, so that memory stays bounded', () => {
    const buffer = new LineBuffer()
    const endless = Buffer.from(`a${'ä'.repeat(MAX_LINE_BYTES)}`)
    const lines = buffer.push(endless)
    const rest = buffer.flush() ?? Buffer.alloc(0)
    expect(lines.length).toBe(2)
    for (const line of [...lines, rest]) {
      expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES)
      expect(line.toString()).not.toContain('\uFFFD')
    }
    expect(Buffer.concat([...lines, rest])).toEqual(endless)
  })

  it('breaks bytes that are not UTF-8 without losing any', () => {
    const buffer = new LineBuffer()
    const bytes = Buffer.alloc(MAX_LINE_BYTES * 2 + 5, 0x80)
    expect(Buffer.concat([...buffer.push(bytes), buffer.flush() ?? Buffer.alloc(0)])).toEqual(bytes)
  })
})
