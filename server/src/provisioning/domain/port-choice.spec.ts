import { describe, expect, it } from 'vitest'
import { AGENT_PORTS, COMMON_SERVICE_PORTS, choosePort } from './port-choice.ts'

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
  it('never gives a taken, a common or an unreachable one, whatever is random', () => {
    const random = seeded(1)
    for (let round = 0; round < 50; round++) {
      const taken = [0, 1].map(
        () => new Set(Array.from({ length: 500 }, () => 8000 + Math.floor(random() * 57_536))),
      )
      const port = choosePort(random, ...taken)
      expect(port).toBeTypeOf('number')
      expect(taken.some((ports) => ports.has(port ?? 0))).toBe(false)
      expect(isCommon(port ?? 0)).toBe(false)
      expect(port).toBeGreaterThanOrEqual(AGENT_PORTS.first)
      expect(port).toBeLessThanOrEqual(AGENT_PORTS.last)
    }
  })

  it('finds the last free port, and none when there is none', () => {
    const all = new Set(Array.from({ length: 65_536 }, (_, port) => port))
    expect(choosePort(seeded(2), all)).toBeUndefined()
    all.delete(40_000)
    expect(choosePort(seeded(3), all)).toBe(40_000)
  })

  it('reaches both ends of the range, so no port is out of reach', () => {
    expect(choosePort(() => 1 - Number.EPSILON)).toBe(65_535)
    expect(choosePort(() => 0)).toBe(8101)
  })

  it('keeps the table of common ports in order, without overlaps', () => {
    let last = 0
    for (const entry of COMMON_SERVICE_PORTS) {
      const [first, end] = typeof entry === 'number' ? [entry, entry] : entry
      expect(first).toBeGreaterThan(last)
      expect(end).toBeGreaterThanOrEqual(first)
      last = end
    }
  })
})
