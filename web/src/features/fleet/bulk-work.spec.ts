import { describe, expect, it } from 'vitest'
import { type BulkStates, countsOf, doForEach } from './bulk-work.ts'

type Seen = { state: 'running' | 'success' | 'failed' | 'lost'; reason: string | null } | undefined

/** Hosts whose commands come to these ends, one probe after the other. */
async function bulk(
  reads: Record<string, (Seen | Error)[]>,
  act?: (host: string) => Promise<{ commandId: string } | undefined>,
) {
  const reported: ReturnType<typeof countsOf>[] = []
  const states: BulkStates = await doForEach(Object.keys(reads), {
    act: act ?? (async (host) => ({ commandId: host })),
    readCommand: async (host) => {
      const next = reads[host]?.shift()
      if (next instanceof Error) throw next
      return next
    },
    toMessage: (error) => (error as Error).message,
    wait: async () => undefined,
    onChange: (now) => reported.push(countsOf(now)),
  })
  return { states, reported }
}
const running: Seen = { state: 'running', reason: null }
const success: Seen = { state: 'success', reason: null }

describe('what is done with many hosts', () => {
  it('work on a host is done when its command has succeeded, not when it was requested', async () => {
    const { reported, states } = await bulk({
      a: [running, running, success],
      b: [running, { state: 'failed', reason: 'no route' }],
    })
    expect(reported[1]).toEqual({ all: 2, done: 0, failed: 0, open: 2 })
    expect(states.get('a')).toEqual({ is: 'done', commandId: 'a' })
    expect(states.get('b')).toEqual({ is: 'failed', why: 'no route', commandId: 'b' })
    expect(reported.at(-1)).toEqual({ all: 2, done: 1, failed: 1, open: 0 })
  })

  it('work on a host is probed again if the server was away, and done if the command went with its host', async () => {
    const { states } = await bulk({ a: [new Error('away'), running, undefined] })
    expect(states.get('a')).toMatchObject({ is: 'done' })
  })

  it('fails for a host for which it is refused, and goes on for the others', async () => {
    const act = async (host: string) => {
      if (host === 'b') throw new Error('not yours')
      return undefined
    }
    const { states } = await bulk({ a: [], b: [], c: [] }, act)
    expect(states.get('b')).toEqual({ is: 'failed', why: 'not yours' })
    expect(countsOf(states)).toEqual({ all: 3, done: 2, failed: 1, open: 0 })
  })

  it('work on a host is not waited for without an end', async () => {
    const for_ever = Array.from({ length: 10_000 }, () => running)
    const { states } = await bulk({ a: for_ever })
    expect(states.get('a')).toMatchObject({ is: 'under-way' })
    expect(for_ever.length).toBeGreaterThan(5000)
  })
})
