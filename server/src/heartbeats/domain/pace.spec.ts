import { describe, expect, it } from 'vitest'
import { BacklogPace, fairShare, hasRoom, surplus } from './pace.ts'

describe('BacklogPace', () => {
  const fleet = (ratePerS: number, missed: number) => {
    const pace = new BacklogPace()
    const perSecond: number[] = []
    let left = missed
    for (let ms = 0; left > 0 && ms < 600_000; ms += 500) {
      const count = Math.min(left, pace.allowance(ms, ratePerS))
      pace.spend(count)
      left -= count
      const second = Math.floor(ms / 1000)
      perSecond[second] = (perSecond[second] ?? 0) + count
    }
    return perSecond
  }

  it.each([
    [250, 10_000],
    [25, 1000],
    [0.5, 20],
    [0.075, 3],
  ])(
    'a whole fleet at %d calls a second is made up for within 65 s, and never faster than its share',
    (rate, missed) => {
      const perSecond = fleet(rate, missed)
      expect(perSecond.length).toBeLessThanOrEqual(65)
      expect(Math.max(...perSecond)).toBeLessThanOrEqual(Math.max(1, Math.ceil(rate)))
    },
  )

  it('the backlog saves up for no burst while there is nothing to make up for', () => {
    const pace = new BacklogPace()
    pace.allowance(0, 250)
    expect(pace.allowance(3_600_000, 250)).toBe(140)
  })

  it('the backlog waits longer when calls began late, so that both stay below twice the rate', () => {
    const pace = new BacklogPace()
    pace.allowance(0, 250)
    pace.spend(250)
    expect(pace.allowance(1000, 250)).toBe(0)
    expect(pace.allowance(2000, 250)).toBeGreaterThan(100)
  })
})

describe('sharing out', () => {
  it('fair shares leave no agent without a server', () => {
    for (const [total, servers] of [
      [10, 3],
      [1, 2],
      [10_000, 7],
    ] as const)
      expect(fairShare(total, servers) * servers).toBeGreaterThanOrEqual(total)
  })

  it('no agent waits while each server believes that the other has room, and none is acquired to be released again', () => {
    for (const [total, servers] of [
      [200, 2],
      [201, 2],
      [7, 3],
      [10_000, 7],
    ] as const) {
      const share = fairShare(total, servers)
      for (let owned = 0; owned <= total; owned++) {
        // One that is as far below its share as another is above it.
        if (owned <= share) expect(hasRoom(owned, share)).toBe(true)
        if (hasRoom(owned, share)) expect(surplus(owned, share)).toBe(0)
      }
    }
  })

  it('a late server gets its share, and then the shares come to rest', () => {
    expect(surplus(10_000, 5000)).toBe(5000)
    expect(surplus(5000, 5000)).toBe(0)
    expect(surplus(5001, 5000)).toBe(0)
  })
})
