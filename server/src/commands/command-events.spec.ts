import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommandEvents } from './command-events.ts'
import { joinChunks, splitPiece } from './domain/output.ts'

const output = (offset: number, text: string, stream: 'stdout' | 'stderr' = 'stdout') => ({
  ...{ commandId: 'c', offset },
  ...joinChunks([{ stream, data: Buffer.from(text) }]),
})

describe('CommandEvents', () => {
  let events: CommandEvents
  /** What each of those who look was told, in order. */
  let told: string[][]
  const follow = (viewers: number) => {
    told = Array.from({ length: viewers }, () => [])
    for (const mine of told)
      events.follow(
        'c',
        (event) => {
          for (const { offset, stream, data } of splitPiece(event, event.offset, event.offset))
            mine.push(`${offset} ${stream} ${data}`)
        },
        () => mine.push('changed'),
      )
  }
  const change = () => events.commandChanged({ id: 'c', runId: 'r', hasEnded: true, isLimited: false })

  beforeEach(() => {
    vi.useFakeTimers()
    events = new CommandEvents()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('tells a few at once', () => {
    follow(2)
    events.outputStored(output(0, 'a'))
    expect(told).toEqual([['0 stdout a'], ['0 stdout a']])
  })

  it('tells many in one piece what comes within a moment, and no byte twice or under another stream', () => {
    follow(9)
    events.outputStored(output(0, 'a'))
    events.outputStored(output(1, 'b'))
    events.outputStored(output(2, 'c', 'stderr'))
    expect(told[0]).toEqual([])
    vi.runAllTimers()
    events.outputStored(output(3, 'd'))
    vi.runAllTimers()
    for (const mine of told) expect(mine).toEqual(['0 stdout ab', '2 stderr c', '3 stdout d'])
  })

  it('joins nothing over a gap', () => {
    follow(9)
    events.outputStored(output(0, 'a'))
    events.outputStored(output(7, 'b'))
    vi.runAllTimers()
    expect(told[0]).toEqual(['0 stdout a', '7 stdout b'])
  })

  it('tells output before the end that came after it', () => {
    follow(9)
    events.outputStored(output(0, 'a'))
    change()
    vi.runAllTimers()
    expect(told[0]).toEqual(['0 stdout a', 'changed'])
  })

  it('keeps no more than it should', () => {
    follow(9)
    events.outputStored(output(0, 'a'))
    events.outputStored(output(1, 'b'.repeat(300_000)))
    expect(told[0]).toHaveLength(1)
  })
})
