import type { RunLimits } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { type AdmissionView, nextAdmissions, waveSize } from './admissions.ts'

/** Numbers from 0 to 1 that are the same at every run of the tests. */
function randomFrom(seed: number) {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

interface Host {
  position: number
  state: 'held' | 'active' | 'success' | 'failed' | 'stopped' | 'cancelled'
}

const toView = (limits: RunLimits, hosts: readonly Host[]): AdmissionView => ({
  limits,
  total: hosts.length,
  held: hosts.flatMap(({ position, state }) =>
    state === 'held' ? [{ id: String(position), position }] : [],
  ),
  active: hosts.flatMap(({ position, state }) => (state === 'active' ? [position] : [])),
  failed: hosts.filter(({ state }) => state === 'failed').length,
})

/** A run played to its end: hosts end in a random order, some fail, some held ones are cancelled by hand. */
function play(
  limits: RunLimits,
  total: number,
  random: () => number,
  onStep: (hosts: Host[], began: Host[]) => void,
) {
  const hosts: Host[] = Array.from({ length: total }, (_, position) => ({ position, state: 'held' }))
  for (let step = 0; hosts.some(({ state }) => state === 'held' || state === 'active'); step++) {
    if (step > 10 * total + 10) throw new Error('the run does not end')
    const { admit, stop } = nextAdmissions(toView(limits, hosts))
    if (stop) for (const host of hosts) if (host.state === 'held') host.state = 'stopped'
    const began = admit.map((id) => hosts[Number(id)] as Host)
    for (const host of began) {
      expect(host.state).toBe('held')
      host.state = 'active'
    }
    onStep(hosts, began)
    const active = hosts.filter(({ state }) => state === 'active')
    const ending = active[Math.floor(random() * active.length)]
    if (ending) ending.state = random() < 0.2 ? 'failed' : 'success'
    const held = hosts.filter(({ state }) => state === 'held')
    const unwanted = held[Math.floor(random() * held.length)]
    if (unwanted && random() < 0.05) unwanted.state = 'cancelled'
  }
  return hosts
}

const LIMITS: RunLimits[] = [
  { concurrency: 1 },
  { concurrency: 7 },
  { batch: 4 },
  { batch: '30%' },
  { batch: 5, concurrency: 2 },
  { batch: 2, concurrency: 50 },
  { concurrency: 3, stopAfterFailures: 1 },
  { concurrency: 8, stopAfterFailures: 3 },
  { batch: '10%', stopAfterFailures: 2 },
]

describe.each(LIMITS)('a run with %j', (limits) => {
  const each = (check: (total: number, random: () => number) => void) => {
    for (let seed = 1; seed <= 40; seed++) check(1 + ((seed * 7) % 53), randomFrom(seed))
  }

  it('a run with limits never has more hosts under way than it may', () => {
    each((total, random) =>
      play(limits, total, random, (hosts) => {
        const active = hosts.filter(({ state }) => state === 'active').length
        expect(active).toBeLessThanOrEqual(
          Math.min(limits.concurrency ?? total, waveSize(limits.batch, total)),
        )
      }),
    )
  })

  it('a run with limits begins in order and ends, with every host either begun, stopped or cancelled', () => {
    each((total, random) => {
      const order: number[] = []
      const hosts = play(
        limits,
        total,
        random,
        (_hosts, began) => void order.push(...began.map((h) => h.position)),
      )
      expect(order).toEqual(order.toSorted((a, b) => a - b))
      const left = hosts.filter(({ state }) => state === 'held' || state === 'active')
      expect(left).toEqual([])
      if (limits.stopAfterFailures === undefined)
        expect(order.length + hosts.filter(({ state }) => state === 'cancelled').length).toBe(total)
    })
  })

  it('a wave begins when the one before has ended wholly, and not earlier', () => {
    each((total, random) => {
      const size = waveSize(limits.batch, total)
      play(limits, total, random, (hosts, began) => {
        for (const { position } of began)
          for (const host of hosts)
            if (Math.floor(host.position / size) < Math.floor(position / size))
              expect(['held', 'active']).not.toContain(host.state)
      })
    })
  })

  it('a run stops after the given number of failures, and not before', () => {
    each((total, random) => {
      const hosts = play(limits, total, random, (hosts, began) => {
        const failed = hosts.filter(({ state }) => state === 'failed').length
        if (failed >= (limits.stopAfterFailures ?? Number.POSITIVE_INFINITY)) expect(began).toEqual([])
      })
      const count = (state: Host['state']) => hosts.filter((host) => host.state === state).length
      if (count('stopped') > 0)
        expect(count('failed')).toBeGreaterThanOrEqual(limits.stopAfterFailures ?? total + 1)
    })
  })
})

describe('nextAdmissions', () => {
  it('a run with held hosts and none under way admits one or stops', () => {
    const held = [{ id: 'x', position: 9 }]
    for (const limits of LIMITS)
      for (const failed of [0, 5]) {
        const { admit, stop } = nextAdmissions({ limits, total: 10, held, active: [], failed })
        expect(admit.length > 0 || stop !== undefined).toBe(true)
      }
  })

  it('commands that run are left alone when too many have failed', () => {
    const view = { limits: { concurrency: 3, stopAfterFailures: 2 }, total: 9, active: [0, 1], failed: 2 }
    expect(nextAdmissions({ ...view, held: [{ id: 'x', position: 5 }] })).toEqual({
      admit: [],
      stop: { failed: 2 },
    })
    expect(nextAdmissions({ ...view, held: [] })).toEqual({ admit: [] })
  })
})

describe('waveSize', () => {
  it('rounds a share down, to one host at least', () => {
    expect([
      waveSize('25%', 10),
      waveSize('1%', 10),
      waveSize('100%', 10),
      waveSize(3, 10),
      waveSize(undefined, 10),
    ]).toEqual([2, 1, 10, 3, 10])
  })
})
