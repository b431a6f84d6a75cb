import fc from 'fast-check'
import { expect, it } from 'vitest'
import { attemptTimeoutMs, beginRound, decideAttempt } from './decide-attempt.ts'
import type { HeartbeatTarget } from './roll.ts'

const START = Date.parse('2026-11-30T12:00:00Z')
const target = (more: Partial<HeartbeatTarget> = {}) =>
  ({ state: 'online', maxMs: 60_000, offlineAfterMs: null, lastAnswerAt: null, ...more }) as HeartbeatTarget
const answered = (agoMs: number) => new Date(START - agoMs)

/** Plays a round in which no attempt is answered. Returns when each attempt began, in ms from the start. */
function play(agent: HeartbeatTarget, stallMs = 0): { startsMs: number[]; endMs: number } {
  const startsMs: number[] = []
  let round = beginRound(agent, START)
  for (let nowMs = START; ; ) {
    startsMs.push(nowMs - START)
    const attempt = { count: startsMs.length, startedMs: nowMs, timeoutMs: attemptTimeoutMs(round, nowMs) }
    nowMs += attempt.timeoutMs + (startsMs.length === 1 ? stallMs : 0)
    const decision = decideAttempt(round, attempt, nowMs)
    if (decision.do === 'give_up') return { startsMs, endMs: nowMs - START }
    nowMs += decision.waitMs
    round = decision.round
  }
}

it('a host without a window is called four times, 1, 2 and 4 s after each silence of 30 s', () => {
  expect(play(target()).startsMs).toEqual([0, 31_000, 63_000, 97_000])
})

it('a host that is known to be offline is called once', () => {
  expect(play(target({ state: 'offline' })).startsMs).toEqual([0])
})

it('a host with a window is never called after it, and counts as silent no more than an attempt later', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 600_000 }),
      fc.integer({ min: 0, max: 61_000 }),
      (windowMs, agoMs) => {
        const { startsMs, endMs } = play(target({ offlineAfterMs: windowMs, lastAnswerAt: answered(agoMs) }))
        const leftMs = Math.max(0, windowMs - agoMs)
        for (const startMs of startsMs.slice(1)) expect(startMs).toBeLessThan(leftMs)
        expect(endMs).toBeLessThanOrEqual(leftMs + 1000)
        expect(startsMs.length).toBeLessThanOrEqual(4)
      },
    ),
  )
})

it('a host that was not called for longer than its interval gets its whole window', () => {
  const { deadlineMs } = beginRound(
    target({ offlineAfterMs: 20_000, lastAnswerAt: answered(3_600_000) }),
    START,
  )
  expect(deadlineMs).toBe(START + 20_000)
  expect(beginRound(target({ offlineAfterMs: 20_000 }), START).deadlineMs).toBe(START + 20_000)
})

it('time in which the server stood still is not held against the host', () => {
  const agent = target({ offlineAfterMs: 10_000, lastAnswerAt: answered(0) })
  expect(play(agent, 60_000).startsMs.length).toBeGreaterThan(1)
})
