import { describe, expect, it } from 'vitest'
import {
  AGENT_PORTS,
  COMMON_SERVICE_PORTS,
  choosePort,
  isWithin,
  USUAL_EPHEMERAL_PORTS,
} from './port-choice.ts'

const DEFAULT = { given: null, ephemeral: USUAL_EPHEMERAL_PORTS }

/** A small generator of its own (mulberry32), so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const isCommon = (port: number) =>
  COMMON_SERVICE_PORTS.some((entry) =>
    typeof entry === 'number' ? entry === port : entry[0] <= port && port <= entry[1],
  )

describe('choosing a port', () => {
  it('a random port is never taken, common or unreachable', () => {
    const random = seeded(1)
    for (let round = 0; round < 50; round++) {
      const taken = [0, 1].map(
        () => new Set(Array.from({ length: 500 }, () => 8000 + Math.floor(random() * 57_536))),
      )
      const port = choosePort(random, DEFAULT, ...taken)
      expect(port).toBeTypeOf('number')
      expect(taken.some((ports) => ports.has(port ?? 0))).toBe(false)
      expect(isCommon(port ?? 0)).toBe(false)
      expect(port).toBeGreaterThanOrEqual(AGENT_PORTS.first)
      expect(port).toBeLessThanOrEqual(AGENT_PORTS.last)
      expect(isWithin(USUAL_EPHEMERAL_PORTS, port ?? 0)).toBe(false)
    }
  })

  it('the last free port is found, and none if there is none', () => {
    const all = new Set(Array.from({ length: 65_536 }, (_, port) => port))
    expect(choosePort(seeded(2), DEFAULT, all)).toBeUndefined()
    all.delete(40_000)
    expect(choosePort(seeded(3), DEFAULT, all)).toBe(40_000)
  })

  it('reaches both ends of the range, so no port is out of reach', () => {
    expect(choosePort(() => 1 - Number.EPSILON, DEFAULT)).toBe(65_535)
    expect(choosePort(() => 0, DEFAULT)).toBe(8101)
  })

  it('an ephemeral port is chosen only if no other is free', () => {
    const all = { given: null, ephemeral: { first: 1024, last: 65_535 } }
    expect(choosePort(seeded(4), all)).toBeTypeOf('number')
    const most = { given: null, ephemeral: { first: 8000, last: 65_534 } }
    expect(choosePort(seeded(5), most)).toBe(65_535)
  })

  it('a configured range gives any of its ports, common and ephemeral ones too, and none outside', () => {
    const given = { first: 8080, last: 8081 }
    const ports = new Set(
      Array.from({ length: 50 }, (_, at) => choosePort(seeded(at), { ...DEFAULT, given })),
    )
    expect([...ports].sort()).toEqual([8080, 8081])
    expect(choosePort(seeded(6), { ...DEFAULT, given }, new Set([8080]), new Set([8081]))).toBeUndefined()
    expect(choosePort(seeded(7), { ...DEFAULT, given: { first: 40_000, last: 40_000 } })).toBe(40_000)
  })

  it('the table of common ports is sorted and without overlaps', () => {
    let last = 0
    for (const entry of COMMON_SERVICE_PORTS) {
      const [first, end] = typeof entry === 'number' ? [entry, entry] : entry
      expect(first).toBeGreaterThan(last)
      expect(end).toBeGreaterThanOrEqual(first)
      last = end
    }
  })
})
