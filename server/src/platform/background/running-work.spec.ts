import { describe, expect, it } from 'vitest'
import { RunningWork } from './running-work.ts'

const fail = (error: unknown) => {
  throw error
}
/** Work that runs until it is stopped, and tells what it was stopped for. */
const untilStopped = (reasons: unknown[]) => (stop: AbortController) =>
  new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => {
      reasons.push(stop.signal.reason)
      resolve()
    })
  })

describe('work that outlives a run', () => {
  it('one piece runs for a key, and a second one begins once the first has ended', async () => {
    const work = new RunningWork(10)
    const ends = Promise.withResolvers<void>()
    expect(work.begin('a', () => ends.promise, fail)).toBe(true)
    expect(work.begin('a', () => Promise.reject(new Error('it ran')), fail)).toBe(false)
    expect([work.has('a'), work.keys()]).toEqual([true, ['a']])
    ends.resolve()
    await work.drain()
    expect(work.has('a')).toBe(false)
    expect(work.begin('a', async () => undefined, fail)).toBe(true)
  })

  it('no more pieces run than there is room for, and each end is reported once there is room again', async () => {
    const rooms: number[] = []
    const work: RunningWork = new RunningWork(2, () => rooms.push(work.room))
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    work.begin('a', () => first.promise, fail)
    work.begin('b', () => second.promise, fail)
    expect(work.room).toBe(0)
    expect(work.begin('c', async () => undefined, fail)).toBe(false)
    first.resolve()
    second.resolve()
    await work.drain()
    expect(rooms).toEqual([1, 2])
  })

  it('a piece is stopped by its key with the reason, and others run on', async () => {
    const reasons: unknown[] = []
    const work = new RunningWork(2)
    work.begin('a', untilStopped(reasons), fail)
    work.begin('b', untilStopped(reasons), fail)
    work.stop('a', 'cancelled')
    work.stop('gone', 'cancelled')
    expect(reasons).toEqual(['cancelled'])
    work.stopAll('the server stops')
    await work.drain()
    expect(reasons).toEqual(['cancelled', 'the server stops'])
  })

  it('a piece that fails is reported, makes room and lets the others be drained', async () => {
    const reported: unknown[] = []
    const work = new RunningWork(1)
    const failure = new Error('it broke')
    work.begin(
      'a',
      () => Promise.reject(failure),
      (error) => reported.push(error),
    )
    await work.drain()
    expect([reported, work.room]).toEqual([[failure], 1])
  })
})
