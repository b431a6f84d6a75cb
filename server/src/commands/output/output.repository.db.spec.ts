import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pieceOf, StoredCommands } from '../testing/stored-commands.ts'
import { splitPiece } from './domain/output.ts'

const ME = 'server-a'
const now = () => new Date()

let stored: StoredCommands
beforeAll(async () => {
  stored = await StoredCommands.open()
})
afterAll(() => stored.close())

const piecesOf = (id: string, offset = 0, maxBytes = 1000) =>
  stored.outputs.after(id, offset, { stream: undefined, maxBytes })

describe('appending output', () => {
  it('each byte is stored once, however often the same piece comes', async () => {
    const { id } = await stored.addLeased(ME)
    expect(await stored.outputs.append(id, ME, 0, pieceOf('hello'))).toBe(true)
    expect(await stored.outputs.append(id, ME, 0, pieceOf('hello'))).toBe(false)
    expect(await stored.outputs.append(id, ME, 7, pieceOf('gap'))).toBe(false)
    expect(await stored.outputs.append(id, ME, 5, pieceOf('', 'oops'))).toBe(true)
    const chunks = (await piecesOf(id)).flatMap((piece) => splitPiece(piece, piece.offset, 0))
    expect(chunks.map((chunk) => [chunk.stream, chunk.offset, chunk.data.toString()])).toEqual([
      ['stdout', 0, 'hello'],
      ['stderr', 5, 'oops'],
    ])
    expect((await stored.commands.find(id))?.outputBytes).toBe(9)
  })

  it('bytes that were cut are counted once, and a piece of which nothing is kept is not stored', async () => {
    const { id } = await stored.addLeased(ME)
    const uncut = { storedBytes: 0, markBytes: 0, cutBytes: 0, isCut: false }
    const cut = { storedBytes: 7, markBytes: 5, cutBytes: 3, isCut: true }
    const more = { ...cut, cutBytes: 10 }
    expect(await stored.outputs.append(id, ME, 0, pieceOf('heMARK!'), { before: uncut, next: cut })).toBe(
      true,
    )
    expect(await stored.outputs.append(id, ME, 7, pieceOf(''), { before: cut, next: more })).toBe(true)
    expect(await stored.outputs.append(id, ME, 7, pieceOf(''), { before: cut, next: more })).toBe(false)
    expect(await stored.commands.find(id)).toMatchObject({
      outputBytes: 7,
      markBytes: 5,
      cutBytes: 10,
      droppedBytes: 10,
      isOutputCut: true,
    })
    expect(await piecesOf(id)).toHaveLength(1)
    await stored.lifecycle.end(id, ME, { state: 'success', droppedBytes: 4 }, now())
    expect(await stored.commands.find(id)).toMatchObject({ droppedBytes: 14 })
  })
})

describe('reading output', () => {
  it('output is read from any offset, in pages, without loss', async () => {
    const { id } = await stored.addLeased(ME)
    let whole = Buffer.alloc(0)
    for (let i = 0; i < 40; i++) {
      const next = pieceOf(`line ${i}\n`.repeat(i % 7), i % 3 === 0 ? `err ${i}\n` : '')
      if (next.data.length === 0) continue
      expect(await stored.outputs.append(id, ME, whole.length, next)).toBe(true)
      whole = Buffer.concat([whole, next.data])
    }
    for (const start of [0, 1, 13, 100, whole.length - 1, whole.length]) {
      let read = Buffer.alloc(0)
      for (let offset = start; ; ) {
        const pieces = await piecesOf(id, offset, 64)
        const chunks = pieces.flatMap((piece) => splitPiece(piece, piece.offset, offset))
        if (chunks.length === 0) break
        read = Buffer.concat([read, ...chunks.map((chunk) => chunk.data)])
        offset = start + read.length
      }
      expect(read.equals(whole.subarray(start)), `from ${start}`).toBe(true)
    }
  })

  it('the first bytes of the output of many commands are read, and no more of each', async () => {
    const [first, second] = [await stored.addLeased(ME), await stored.addLeased(ME)]
    await stored.outputs.append(first.id, ME, 0, pieceOf('0123'))
    await stored.outputs.append(first.id, ME, 4, pieceOf('4567'))
    await stored.outputs.append(second.id, ME, 0, pieceOf('ab'))
    const heads = await stored.outputs.heads([first.id, second.id], 6)
    const toText = (id: string) =>
      heads.filter(({ commandId }) => commandId === id).map(({ data }) => data.toString())
    expect(toText(first.id)).toEqual(['0123', '45'])
    expect(toText(second.id)).toEqual(['ab'])
  })
})

describe('removing output', () => {
  it('old output is removed, and neither that of a newer command nor the record of how the old one ended', async () => {
    const ended = async (endedAt: Date) => {
      const { id } = await stored.addLeased(ME)
      await stored.outputs.append(id, ME, 0, pieceOf('some output'))
      await stored.lifecycle.end(id, ME, { state: 'success', exitCode: 0 }, endedAt)
      return id
    }
    const [old, recent] = [await ended(new Date('2026-01-01')), await ended(new Date('2026-03-01'))]
    expect(await stored.outputs.removeEndedBefore(new Date('2026-02-01'), now(), 100)).toBe(1)
    expect(await stored.outputs.removeEndedBefore(new Date('2026-02-01'), now(), 100)).toBe(0)
    expect(await piecesOf(old)).toEqual([])
    expect(await stored.commands.find(old)).toMatchObject({
      state: 'success',
      exitCode: 0,
      outputBytes: 11,
      outputRemovedAt: expect.any(Date),
    })
    expect(await piecesOf(recent)).toHaveLength(1)
  })

  it('the output of the commands that ended first is removed, as much as is requested, and never of one that runs', async () => {
    const before = await stored.outputs.sumBytes()
    const ids: string[] = []
    for (const day of ['01', '02', '03']) {
      const { id } = await stored.addLeased(ME)
      await stored.outputs.append(id, ME, 0, pieceOf('x'.repeat(100)))
      await stored.lifecycle.end(id, ME, { state: 'success' }, new Date(`2020-01-${day}`))
      ids.push(id)
    }
    const { id: running } = await stored.addLeased(ME)
    await stored.outputs.append(running, ME, 0, pieceOf('x'.repeat(100)))
    expect(await stored.outputs.sumBytes()).toBe(before + 400)
    expect(await stored.outputs.removeOldest(101, now(), 100)).toEqual({ commands: 2, bytes: 200 })
    expect(await stored.outputs.sumBytes()).toBe(before + 200)
    const [first, second, third] = ids as [string, string, string]
    for (const id of [first, second]) expect((await stored.commands.find(id))?.outputRemovedAt).not.toBeNull()
    for (const id of [third, running]) expect((await stored.commands.find(id))?.outputRemovedAt).toBeNull()
    await stored.outputs.removeOldest(1e12, now(), 1000)
    expect((await stored.commands.find(running))?.outputRemovedAt).toBeNull()
    expect(await stored.outputs.removeOldest(1, now(), 100)).toEqual({ commands: 0, bytes: 0 })
  })
})
