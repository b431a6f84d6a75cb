import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toChecks } from '../filters.ts'
import { FleetColumns } from '../fleet-columns.ts'
import { Plan } from '../plan.ts'
import { runToEnd } from '../run-to-end.ts'
import { Score } from '../score.ts'
import { ago, GIB, host, MIB, NOW, request, terms } from '../testing/views.ts'
import type { PlacementHost, PlacementRequest } from '../view.ts'
import { STRATEGIES } from './registry.ts'

const NAMES = ['app-1', 'app-2', 'app-3', 'app-4', 'app-5']
const IMAGE = { digest: 'sha256:1', bytes: 500 * MIB }

const ids = fc.subarray(NAMES, { maxLength: 3 }).map((names) => names.map((name) => `id-${name}`))
const resources = fc.record({
  milliCpus: fc.constantFrom(0, 300, 1000, 2900),
  memoryBytes: fc.constantFrom(0, 100, 1024, 4000).map((mib) => mib * MIB),
})
const change: fc.Arbitrary<Partial<PlacementHost>> = fc.record({
  labels: fc.record({ zone: fc.constantFrom('a', 'b'), ssd: fc.constantFrom('true', 'false') }),
  reserved: resources,
  measured: resources,
  freeDiskBytes: fc.constantFrom(400 * MIB, 10 * GIB),
  images: fc.constantFrom([], [IMAGE.digest]),
  silences: fc.constantFrom([], [ago(60_000)], [1, 2, 3, 4, 5, 6].map(ago)),
})
const fleets = fc
  .array(change, { minLength: NAMES.length, maxLength: NAMES.length })
  .map((changes) => NAMES.map((name, at) => host(name, changes[at])))
const requests: fc.Arbitrary<PlacementRequest> = fc
  .record({
    needs: resources,
    images: fc.constantFrom([], [IMAGE]),
    ports: fc.constantFrom(
      [],
      [{ protocol: 'tcp' as const, port: 80 }],
      [{ protocol: 'udp' as const, port: null }],
    ),
    volumes: ids.map((hosts) => [{ name: 'data', move: 'copy' as const, hosts }]),
    maxPerHost: fc.constantFrom(null, 1, 2),
    spread: fc.constantFrom([], ['zone'], ['zone', 'ssd'], ['rack']),
    prefer: fc.constantFrom([], [{ terms: terms('ssd=true'), weight: 20 }]),
    instances: ids,
    ranOn: ids,
  })
  .map((wanted) => request('shop', wanted))
const takes = fc.array(fc.nat({ max: NAMES.length - 1 }), { maxLength: 12 })

/** Begins a run whose slots are taken by hand. */
function begin(fleet: readonly PlacementHost[], wanted: PlacementRequest) {
  const columns = runToEnd(FleetColumns.read(fleet, [wanted]))
  const context = { fleet: columns, plan: new Plan(columns), now: NOW }
  context.plan.begin(wanted)
  return context
}

describe('every strategy', () => {
  it.each(Object.entries(STRATEGIES))(
    'points of the strategy %s are whole, within its range, and only fall as slots are taken',
    (_, strategy) => {
      fc.assert(
        fc.property(fleets, requests, takes, fc.nat({ max: 100 }), (fleet, wanted, taken, range) => {
          const context = begin(fleet, wanted)
          const scorer = strategy(wanted, context, range)
          const { groups } = scorer
          const toPoints = (at: number) =>
            scorer.points(at) + (groups?.points(groups.groupOf[at] as number) ?? 0)
          let before = NAMES.map((_name, at) => toPoints(at))
          for (const points of before) {
            expect(Number.isInteger(points)).toBe(true)
            expect(points).toBeGreaterThanOrEqual(0)
            expect(points).toBeLessThanOrEqual(range)
          }
          for (const [slot, at] of taken.entries()) {
            context.plan.take(at, wanted, slot)
            groups?.take(at)
            const now = NAMES.map((_name, other) => toPoints(other))
            for (const [other, points] of now.entries())
              expect(points).toBeLessThanOrEqual(before[other] as number)
            before = now
          }
        }),
      )
    },
  )
})

it('scores only fall, and no host that fails a filter passes it later, as slots are taken', () => {
  fc.assert(
    fc.property(fleets, requests, takes, (fleet, wanted, taken) => {
      const context = begin(fleet, wanted)
      const score = new Score(wanted, context)
      const checks = toChecks(wanted, context)
      const toState = (at: number) => ({
        points: score.explain(at).score,
        failed: checks.map((check) => check.fails(at)),
      })
      let before = NAMES.map((_, at) => toState(at))
      for (const [slot, at] of taken.entries()) {
        if (checks.some((check) => check.fails(at))) continue
        context.plan.take(at, wanted, slot)
        score.groups?.take(at)
        const now = NAMES.map((_, other) => toState(other))
        for (const [other, { points, failed }] of now.entries()) {
          expect(points).toBeLessThanOrEqual(before[other]?.points as number)
          const isMended = failed.some((fails, check) => !fails && before[other]?.failed[check])
          expect(isMended).toBe(false)
        }
        before = now
      }
    }),
  )
})
