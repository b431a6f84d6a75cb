import { describe, expect, it } from 'vitest'
import { heartbeatProfileChange, newHeartbeatProfile } from './heartbeats.ts'

describe('heartbeat profiles', () => {
  it('a change holds nothing but what was given, so that what is left out stays', () => {
    expect(heartbeatProfileChange.parse({ maxMs: 90_000 })).toEqual({ maxMs: 90_000 })
    expect(heartbeatProfileChange.parse({ labels: null })).toEqual({ labels: null })
    expect(heartbeatProfileChange.parse({})).toEqual({})
  })

  it('a new one without labels and offline limit has none', () => {
    expect(newHeartbeatProfile.parse({ name: 'ha', minMs: 4000, maxMs: 6000 })).toEqual({
      name: 'ha',
      minMs: 4000,
      maxMs: 6000,
      offlineAfterMs: null,
      labels: null,
    })
  })

  it.each([
    [{ minMs: 2000, maxMs: 1000 }, 'minMs'],
    [{ minMs: 0 }, 'minMs'],
    [{ minMs: -1000 }, 'minMs'],
    [{ maxMs: 20_000, offlineAfterMs: 20_000 }, 'offlineAfterMs'],
  ])('%j is refused with the field named', (change, field) => {
    const parsed = heartbeatProfileChange.safeParse(change)
    expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual([field])
  })
})
