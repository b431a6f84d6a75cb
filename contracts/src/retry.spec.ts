import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failuresWithin, nextRetry, RETRY_POLICIES, type RetryPolicy, retryDelayMs } from './retry.ts'

const policies = Object.entries(RETRY_POLICIES) as [string, RetryPolicy][]
const policy = fc.constantFrom(...policies.map(([, each]) => each))
const count = fc.integer({ min: 1, max: 100_000 })
const random = fc.double({ min: 0, max: 1, noNaN: true })
const start = new Date('2026-11-30T12:00:00Z')
const after = (ms: number) => new Date(start.getTime() + ms)

describe.each(policies)('the retry policy %s', (_name, each) => {
  it('every policy waits, up to its maximum, and can end', () => {
    expect(each.firstMs).toBeGreaterThan(0)
    expect(each.maxMs).toBeGreaterThanOrEqual(each.firstMs)
    expect(each.factor).toBeGreaterThanOrEqual(1)
    expect(each.jitter).toBeGreaterThanOrEqual(0)
    expect(each.jitter).toBeLessThan(1)
  })
})

it('a wait is never zero and never longer than the maximum, whatever the count and the chance', () => {
  fc.assert(
    fc.property(policy, count, random, (each, failures, chance) => {
      const ms = retryDelayMs(each, failures, chance)
      expect(ms).toBeGreaterThan(0)
      expect(ms).toBeLessThanOrEqual(each.maxMs)
      expect(ms).toBeGreaterThanOrEqual(each.firstMs * (1 - each.jitter))
    }),
  )
})

it('a further failure never makes the wait shorter', () => {
  fc.assert(
    fc.property(policy, count, random, (each, failures, chance) => {
      expect(retryDelayMs(each, failures + 1, chance)).toBeGreaterThanOrEqual(
        retryDelayMs(each, failures, chance),
      )
    }),
  )
})

it('what is tried by a bounded policy ends, after as many tries as it says', () => {
  fc.assert(
    fc.property(random, (chance) => {
      let tries = 1
      while (nextRetry(RETRY_POLICIES.rpc, { count: tries, since: start }, start, chance).do === 'retry')
        tries++
      expect(tries).toBe(1 + RETRY_POLICIES.rpc.maxRetries)
    }),
  )
})

it('what has failed for as long as its policy allows is given up, and a moment earlier it is not', () => {
  const { transfer } = RETRY_POLICIES
  const at = (ms: number) => nextRetry(transfer, { count: 700, since: start }, after(ms), 1)
  expect(at(transfer.giveUpAfterMs - 1)).toEqual({
    do: 'retry',
    at: after(transfer.giveUpAfterMs - 1 + 5000),
  })
  expect(at(transfer.giveUpAfterMs)).toEqual({ do: 'give_up' })
})

it('calls to agents are repeated after 1, 2 and 4 s, and no fifth time', () => {
  const waits = [1, 2, 3].map((failures) => retryDelayMs(RETRY_POLICIES.rpc, failures, 0))
  expect(waits).toEqual([1000, 2000, 4000])
  expect(nextRetry(RETRY_POLICIES.rpc, { count: 4, since: start }, start, 0)).toEqual({ do: 'give_up' })
})

it('the command line waits longer each time, up to five seconds', () => {
  const waits = [1, 2, 3, 4, 11, 100_000].map((failures) => retryDelayMs(RETRY_POLICIES.cli, failures, 1))
  expect(waits).toEqual([250, 500, 1000, 2000, 5000, 5000])
})

it('a rotation that comes no further waits longer each turn, up to a minute', () => {
  const waits = [1, 2, 3, 7, 1000].map((failures) => retryDelayMs(RETRY_POLICIES.rotation, failures, 1))
  expect(waits).toEqual([1000, 2000, 4000, 60_000, 60_000])
})

it('jitter spreads a wait between its lower bound and the whole of it', () => {
  expect(retryDelayMs(RETRY_POLICIES.cli, 1, 0)).toBe(125)
  expect(retryDelayMs(RETRY_POLICIES.cli, 1, 1)).toBe(250)
})

it('the failures in a time are those after which as much time has passed', () => {
  fc.assert(
    fc.property(policy, fc.integer({ min: 1, max: 12 }), (each, failures) => {
      let passedMs = 0
      for (let n = 1; n < failures; n++) passedMs += each.firstMs * each.factor ** (n - 1)
      expect(failuresWithin(each, passedMs)).toBeCloseTo(failures, 6)
    }),
  )
})
