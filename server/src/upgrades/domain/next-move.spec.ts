import type { UpgradeHostState } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { MAX_GATE_WAIT_MS, nextMove, type RingHost } from './next-move.ts'
import { ringsOf } from './rings.ts'

const AT = new Date('2026-11-25T12:00:00Z')
const later = (ms: number) => new Date(AT.getTime() + ms)
const rings = { canary: 1, batch: 2, gateMs: 5000, stopAfterFailures: 2 }

const host = (
  id: string,
  ring: number,
  state: UpgradeHostState,
  change: Partial<RingHost> = {},
): RingHost => ({
  id,
  name: id,
  ring,
  state,
  isWell: true,
  endedAt: state === 'waiting' || state === 'upgrading' ? null : AT,
  ...change,
})
const view = (hosts: RingHost[], state: 'running' | 'paused' | 'cancelling' = 'running') => ({
  state,
  rings,
  hosts,
})

describe('an upgrade', () => {
  it('an upgrade begins with the canary alone', () => {
    const hosts = [host('a', 0, 'waiting'), host('b', 1, 'waiting'), host('c', 1, 'waiting')]
    expect(nextMove(view(hosts), AT)).toEqual({ do: 'begin', ids: ['a'] })
  })

  it('touches no further host when the canary was rolled back', () => {
    const hosts = [host('a', 0, 'rolled_back'), host('b', 1, 'waiting')]
    expect(nextMove(view(hosts), later(60_000))).toMatchObject({ do: 'end', state: 'stopped' })
  })

  it('an upgrade waits at the gate for its time and for unwell hosts, and stops when they stay unwell', () => {
    const next = [host('b', 1, 'waiting')]
    const gate = (isWell: boolean, ms: number) =>
      nextMove(view([host('a', 0, 'upgraded', { isWell }), ...next]), later(ms))
    expect(gate(true, 4999)).toEqual({ do: 'wait' })
    expect(gate(true, 5000)).toEqual({ do: 'begin', ids: ['b'] })
    expect(gate(false, 60_000)).toEqual({ do: 'wait' })
    expect(gate(false, 5001 + MAX_GATE_WAIT_MS)).toMatchObject({ do: 'end', state: 'stopped' })
  })

  it('an upgrade waits for hosts under way before it ends, whatever the reason', () => {
    const hosts = [host('a', 0, 'upgraded'), host('b', 1, 'rolled_back'), host('c', 1, 'refused')]
    const busy = [...hosts, host('d', 1, 'upgrading'), host('e', 2, 'waiting')]
    expect(nextMove(view(busy), later(9999))).toEqual({ do: 'wait' })
    expect(nextMove(view(busy, 'cancelling'), later(9999))).toEqual({ do: 'wait' })
    const over = [...hosts, host('d', 1, 'upgraded'), host('e', 2, 'waiting')]
    expect(nextMove(view(over), later(9999))).toMatchObject({ state: 'stopped' })
    expect(nextMove(view(over, 'cancelling'), later(9999))).toMatchObject({ state: 'cancelled' })
  })

  it('an upgrade that is paused begins no further host', () => {
    const hosts = [host('a', 0, 'upgraded'), host('b', 1, 'waiting')]
    expect(nextMove(view(hosts, 'paused'), later(9999))).toEqual({ do: 'wait' })
  })
})

/** A generator of our own, so that a failure names the seed that shows it again. */
function random(seed: number) {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

describe('laws of every upgrade', () => {
  it.each(Array.from({ length: 120 }, (_, seed) => seed))(
    'seed %i: one ring at a time, none skipped, no more failures than allowed plus a ring, and an end',
    (seed) => {
      const chance = random(seed)
      const pick = (most: number) => Math.floor(chance() * (most + 1))
      const plan = {
        canary: pick(3),
        batch: chance() < 0.5 ? pick(6) + 1 : (`${pick(98) + 1}%` as const),
        gateMs: pick(3000),
        stopAfterFailures: pick(3) + 1,
      }
      const total = pick(30) + 1
      const hosts = ringsOf(total, plan).map((ring, index) => host(`h${index}`, ring, 'waiting'))
      let now = AT
      let end: ReturnType<typeof nextMove> | undefined
      for (let step = 0; step < 2000 && end?.do !== 'end'; step++) {
        now = new Date(now.getTime() + 500)
        const state = chance() < 0.02 ? 'paused' : 'running'
        end = nextMove({ state, rings: plan, hosts }, now)
        if (end.do === 'begin') {
          const began = end.ids.map((id) => hosts.find((one) => one.id === id) as RingHost)
          expect(new Set(began.map(({ ring }) => ring)).size).toBe(1)
          const ring = began[0]?.ring ?? 0
          expect(hosts.some((one) => one.ring < ring && ['waiting', 'upgrading'].includes(one.state))).toBe(
            false,
          )
          const isBad = ({ state: was }: RingHost) => was === 'rolled_back' || was === 'refused'
          const bad = hosts.filter(isBad)
          expect(bad.length).toBeLessThan(plan.stopAfterFailures)
          expect(plan.canary > 0 && bad.some((one) => one.ring === 0)).toBe(false)
          for (const one of began) Object.assign(one, { state: 'upgrading' })
        }
        for (const one of hosts)
          if (one.state === 'upgrading' && chance() < 0.4)
            Object.assign(one, { state: chance() < 0.9 ? 'upgraded' : 'rolled_back', endedAt: now })
      }
      expect(end?.do).toBe('end')
      expect(hosts.some((one) => one.state === 'upgrading')).toBe(false)
      if (end?.do === 'end' && end.state === 'done')
        expect(hosts.some((one) => one.state === 'waiting')).toBe(false)
    },
  )

  it('rings hold each host once, the canary first, and none is larger than it may', () => {
    expect(ringsOf(7, { canary: 1, batch: 3 })).toEqual([0, 1, 1, 1, 2, 2, 2])
    expect(ringsOf(4, { canary: 0, batch: '50%' })).toEqual([0, 0, 1, 1])
    expect(ringsOf(2, { canary: 5, batch: 1 })).toEqual([0, 0])
    expect(ringsOf(3, { canary: 1, batch: '1%' })).toEqual([0, 1, 2])
  })
})
