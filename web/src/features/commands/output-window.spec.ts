import { beforeEach, describe, expect, it } from 'vitest'
import type { Stream } from './output-lines.ts'
import { MAX_LINES, type OutputPage, OutputWindow } from './output-window.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const PAGE = 1000

/** A stored output that is read in pages of whole bytes, which begin and end anywhere. */
class Stored {
  reads = 0
  parts: { stream: Stream; text: string }[] = []

  add(text: string, stream: Stream = 'stdout'): this {
    this.parts.push({ stream, text })
    return this
  }
  get size(): number {
    return this.parts.reduce((sum, { text }) => sum + text.length, 0)
  }
  source(only?: Stream) {
    return {
      after: async (offset: number) => this.page(offset, Math.min(this.size, offset + PAGE), only),
      before: async (offset: number) => this.page(Math.max(0, offset - PAGE), offset, only),
    }
  }
  private page(from: number, to: number, only: Stream | undefined): OutputPage {
    this.reads++
    const chunks: OutputPage['chunks'] = []
    let at = 0
    for (const { stream, text } of this.parts) {
      const [first, end] = [Math.max(at, from), Math.min(at + text.length, to)]
      if (first < end && (!only || only === stream))
        chunks.push({ stream, offset: first, data: encode(text.slice(first - at, end - at)) })
      at += text.length
    }
    return { chunks, firstOffset: from, nextOffset: to }
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('')
const texts = (window: OutputWindow) => window.lines.map(({ text }) => text)
let stored: Stored
beforeEach(() => {
  stored = new Stored().add(numbered(1000))
})
const ALL = numbered(1000).trimEnd().split('\n')

describe('a window on an output', () => {
  it('a window moves from the beginning to the end without losing, doubling or cutting a line', async () => {
    const window = new OutputWindow(stored.source())
    await window.goTo(0)
    expect(texts(window)[0]).toBe('line 0')
    for (let i = 0; i < 100 && !window.isAtEnd; i++) await window.later()
    expect(texts(window)).toEqual(ALL)
    expect([window.isAtStart, window.isAtEnd]).toEqual([true, true])
  })

  it('a window moves from the end to the beginning with each of its lines whole', async () => {
    const window = new OutputWindow(stored.source())
    await window.toEnd(stored.size)
    expect(window.isAtStart).toBe(false)
    for (let i = 0; i < 100 && !window.isAtStart; i++) {
      const before = window.lines.length
      const { shift } = window
      await window.earlier()
      expect(window.shift - shift).toBe(window.lines.length - before)
      expect(ALL).toEqual(expect.arrayContaining(texts(window)))
    }
    expect(texts(window)).toEqual(ALL)
  })

  it('opened in the middle shows what stands there, and goes on both ways', async () => {
    const window = new OutputWindow(stored.source())
    const middle = numbered(500).length
    await window.goTo(middle + 3)
    expect(texts(window)).toContain('line 500')
    await window.later()
    await window.earlier()
    const [first = ''] = texts(window)
    const at = ALL.indexOf(first)
    expect(texts(window).slice(0, -1)).toEqual(ALL.slice(at, at + window.lines.length - 1))
  })

  it('a window holds a bounded part, whichever way it is moved, and reads again what it dropped', async () => {
    const long = new Stored().add('x\n'.repeat(MAX_LINES + 3000))
    const window = new OutputWindow(long.source())
    await window.goTo(0)
    while (!window.isAtEnd) await window.later()
    expect(window.lines.length).toBe(MAX_LINES)
    expect(window.start).toBe(2 * 3000)
    expect(window.isAtStart).toBe(false)
    while (!window.isAtStart) await window.earlier()
    expect([window.lines.length, window.start, window.end]).toEqual([MAX_LINES, 0, 2 * MAX_LINES])
    await window.later()
    expect(window.lines.at(-1)?.offset).toBe(window.end - 2)
  })

  it('a window reads one page at a time, however fast somebody scrolls', async () => {
    const window = new OutputWindow(stored.source())
    await window.goTo(0)
    await Promise.all(Array.from({ length: 20 }, () => window.later()))
    expect(texts(window)).toEqual(ALL)
  })

  it('a window shows a line that spans pages as one', async () => {
    const window = new OutputWindow(new Stored().add(`${'a'.repeat(3500)}\nend\n`).source())
    await window.goTo(0)
    while (!window.isAtEnd) await window.later()
    expect(texts(window)).toEqual(['a'.repeat(3500), 'end'])
  })
})

describe('of one stream alone', () => {
  it('all is found, though another writes for long before and between', async () => {
    const mixed = new Stored()
      .add(numbered(2000))
      .add('err 1\nerr', 'stderr')
      .add('out\n')
      .add(' 2\n', 'stderr')
    const window = new OutputWindow(mixed.source('stderr'))
    await window.goTo(0)
    for (let i = 0; i < 100 && window.end < mixed.size; i++) await window.later()
    expect(texts(window)).toEqual(['err 1', 'err 2'])
  })

  it('a window on a stream without output knows that there is none', async () => {
    const window = new OutputWindow({
      after: async (offset) => ({ chunks: [], firstOffset: offset, nextOffset: stored.size }),
      before: async (offset) => ({ chunks: [], firstOffset: 0, nextOffset: offset }),
    })
    await window.toEnd(stored.size)
    expect([window.lines.length, window.isAtStart, window.isAtEnd]).toEqual([0, true, true])
  })
})

describe('what comes live', () => {
  it('live output continues where the window ends, and replaces it if much was skipped', async () => {
    const window = new OutputWindow(stored.source())
    await window.toEnd(stored.size)
    window.append('stdout', encode('more\nand'), stored.size, true)
    window.append('stdout', encode(' more\n'), stored.size + 8, true)
    expect(texts(window).slice(-2)).toEqual(['more', 'and more'])
    window.append('stdout', encode('half\nnew\nnewest\n'), 900_000, true)
    expect(texts(window)).toEqual(['new', 'newest'])
    expect(window.start).toBe(900_005)
    expect(window.isAtStart).toBe(false)
  })
})

it('a page that ends within the line before is read on until that line begins, and no line is cut in two', async () => {
  const text = numbered(200)
  const stored = new Stored().add(text)
  const { after } = stored.source()
  // Output is stored in pieces, and a page before an offset may be what is left of one.
  const pieces = [0, 333, 700, 1237]
  const before = async (offset: number) => {
    const first = pieces.findLast((piece) => piece < offset) ?? 0
    return {
      chunks: [{ stream: 'stdout' as const, offset: first, data: encode(text.slice(first, offset)) }],
      firstOffset: first,
      nextOffset: offset,
    }
  }
  const window = new OutputWindow({ after, before })
  await window.toEnd(text.length)
  const starts = () => window.lines.every((line) => /^line \d+$/.test(line.text))
  expect(starts()).toBe(true)
  while (!window.isAtStart) {
    await window.earlier()
    expect(starts()).toBe(true)
  }
  expect(window.lines.map((line) => line.text)).toEqual(text.trim().split('\n'))
})
