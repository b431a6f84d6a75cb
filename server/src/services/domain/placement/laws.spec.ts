import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_EXPLANATION_BYTES } from './explanation.ts'
import { toJudge } from './judge.ts'
import type { Placement } from './place.ts'
import { TERMS, toRanges } from './ranges.ts'
import { ago, GIB, host, MIB, NOW, placeAll, request, terms } from './testing/views.ts'
import type { PlacementHost, PlacementRequest } from './view.ts'

const NAMES = ['app-1', 'app-2', 'app-3', 'app-4', 'app-5', 'app-6', 'app-7', 'app-8']
const IMAGE = { digest: 'sha256:1', bytes: 500 * MIB }

const resources = (cpus: number[], mibs: number[]) =>
  fc.record({
    milliCpus: fc.constantFrom(...cpus),
    memoryBytes: fc.constantFrom(...mibs).map((mib) => mib * MIB),
  })
const port = fc.record({
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  port: fc.constantFrom(80, 443, 20_000, 20_001),
})
const hostChange: fc.Arbitrary<Partial<PlacementHost>> = fc.record({
  state: fc.constantFrom('online', 'online', 'online', 'online', 'offline'),
  isDrained: fc.constantFrom(false, false, false, false, true),
  settlesAt: fc.constantFrom(null, null, null, ago(1), ago(-60_000)),
  engine: fc.constantFrom('podman', 'podman', 'podman', 'docker', null),
  labels: fc.record({ zone: fc.constantFrom('a', 'b', 'c'), ssd: fc.constantFrom('true', 'false') }),
  capacity: resources([0, 1000, 4000], [512, 2048, 8192]),
  reserved: resources([0, 500, 4000], [0, 256, 2048]),
  measured: resources([0, 700, 3900], [0, 300, 1900]),
  freeDiskBytes: fc.constantFrom(400 * MIB, 10 * GIB),
  ports: fc.uniqueArray(
    port.map((each) => ({ ...each, holder: 'nginx' })),
    { maxLength: 3, selector: ({ protocol, port: number }) => `${protocol}/${number}` },
  ),
  images: fc.constantFrom([], [IMAGE.digest]),
  silences: fc.constantFrom([], [ago(60_000)], [ago(1), ago(2), ago(3), ago(4), ago(5), ago(6)]),
})
const fleets = fc
  .tuple(fc.subarray(NAMES), fc.array(hostChange, { minLength: NAMES.length, maxLength: NAMES.length }))
  .map(([names, changes]) => names.map((name, at) => host(name, changes[at])))

const ids = fc.subarray(NAMES, { maxLength: 3 }).map((names) => names.map((name) => `id-${name}`))
const requestChange: fc.Arbitrary<Partial<PlacementRequest>> = fc.record({
  slots: fc.integer({ min: 1, max: 6 }).map((count) => Array.from({ length: count }, (_, at) => at + 1)),
  needs: resources([0, 300, 1000], [0, 128, 1024]),
  images: fc.constantFrom([], [IMAGE]),
  engines: fc.constantFrom(['podman'], ['podman', 'docker']),
  select: fc.constantFrom([], terms('zone in (a,b)'), terms('ssd')),
  constraints: fc.constantFrom([], terms('node.hostname!=app-2'), terms('ssd=true')),
  ports: fc.constantFrom(
    [],
    [{ protocol: 'tcp', port: 80 }],
    [
      { protocol: 'tcp', port: null },
      { protocol: 'tcp', port: 20_000 },
    ],
    [
      { protocol: 'udp', port: null },
      { protocol: 'tcp', port: null },
    ],
  ),
  volumes: ids.map((hosts) => [{ name: 'data', move: 'copy' as const, hosts }]),
  maxPerHost: fc.constantFrom(null, null, 1, 2),
  spread: fc.constantFrom([], ['zone'], ['zone', 'ssd'], ['rack']),
  prefer: fc.constantFrom([], [{ terms: terms('ssd=true'), weight: 20 }]),
  weights: fc.constantFrom({}, { load: 80 }, { spread: 100 }, { load: 0, affinity: 50 }),
  instances: ids,
  ranOn: ids,
  failures: ids.map((hosts) => hosts.flatMap((id) => Array(3).fill({ host: id, at: ago(1000) }))),
})
const requests = fc
  .array(requestChange, { minLength: 1, maxLength: 4 })
  .map((changes) => changes.map((change, at) => request(`shop-${at}`, change)))

interface Run {
  fleet: PlacementHost[]
  wanted: PlacementRequest[]
  placements: Placement[]
}

/** Checks a law for runs of every kind. */
function holds(law: (run: Run) => void): void {
  fc.assert(
    fc.property(fleets, requests, (fleet, wanted) =>
      law({ fleet, wanted, placements: placeAll(wanted, fleet) }),
    ),
    { numRuns: 100 },
  )
}

const toRequest = ({ wanted }: Run, { service }: Placement) =>
  wanted.find((each) => each.service === service) as PlacementRequest
const on = (placements: readonly Placement[], { id }: PlacementHost) =>
  placements.filter((each) => each.host === id)

/** The fleet and its requests as they are once some slots have their hosts, made by other means than placement makes it. */
function after({ fleet, wanted, ...run }: Run, placements: readonly Placement[]) {
  const state = fleet.map((each) => {
    const taken = on(placements, each).map((placement) => toRequest({ fleet, wanted, ...run }, placement))
    const isComing = taken.some(({ images }) => images.length > 0) && !each.images.includes(IMAGE.digest)
    const sum = (resource: 'milliCpus' | 'memoryBytes') =>
      Math.max(each.reserved[resource], each.measured[resource]) +
      taken.reduce((total, { needs }) => total + needs[resource], 0)
    return {
      ...each,
      reserved: { milliCpus: sum('milliCpus'), memoryBytes: sum('memoryBytes') },
      images: isComing ? [...each.images, IMAGE.digest] : each.images,
      freeDiskBytes: each.freeDiskBytes - (isComing ? Math.ceil(IMAGE.bytes * 1.1) : 0),
      ports: [
        ...each.ports,
        ...on(placements, each).flatMap(({ ports }) => ports.map((used) => ({ ...used, holder: 'ours' }))),
      ],
    }
  })
  const instancesOf = (service: string) =>
    placements.flatMap((each) => (each.service === service && each.host !== null ? [each.host] : []))
  return {
    fleet: state,
    wanted: wanted.map((each) => ({ ...each, instances: [...each.instances, ...instancesOf(each.service)] })),
  }
}

const passes = (wanted: PlacementRequest, fleet: readonly PlacementHost[], id: string) =>
  toJudge(wanted, fleet, NOW)(id).conditions.every((condition) => condition.passes)

describe('placement', () => {
  it('placement of the same view is the same, in whatever order hosts come', () => {
    holds(({ fleet, wanted, placements }) => {
      expect(placeAll(wanted, fleet.toReversed())).toEqual(placements)
    })
  })

  it('placement answers every slot once, in order', () => {
    holds(({ wanted, placements }) => {
      expect(placements.map(({ service, slot }) => [service, slot])).toEqual(
        wanted.flatMap(({ service, slots }) => slots.map((slot) => [service, slot])),
      )
    })
  })

  it('placement never gives a port of a host twice', () => {
    holds((run) => {
      for (const each of run.fleet) {
        const used = [...each.ports, ...on(run.placements, each).flatMap(({ ports }) => ports)]
        const keys = used.map(({ protocol, port: number }) => `${protocol}/${number}`)
        expect(new Set(keys).size).toBe(keys.length)
      }
      for (const placement of run.placements.filter((each) => each.host !== null))
        expect(placement.ports.map(({ protocol }) => protocol)).toEqual(
          toRequest(run, placement).ports.map(({ protocol }) => protocol),
        )
    })
  })

  it('placement never exceeds the room of a host', () => {
    holds((run) => {
      for (const each of run.fleet)
        for (const resource of ['milliCpus', 'memoryBytes'] as const) {
          const taken = on(run.placements, each).map((placement) => toRequest(run, placement).needs[resource])
          const sum = taken.reduce((total, need) => total + need, 0)
          const used = Math.max(each.reserved[resource], each.measured[resource])
          if (sum > 0) expect(used + sum).toBeLessThanOrEqual(each.capacity[resource])
        }
    })
  })

  it('placement never exceeds the number of instances of a service on a host', () => {
    holds((run) => {
      for (const { service, maxPerHost, instances } of run.wanted)
        for (const each of run.fleet) {
          const own = on(run.placements, each).filter((placement) => placement.service === service).length
          const before = instances.filter((id) => id === each.id).length
          if (maxPerHost !== null && own > 0) expect(before + own).toBeLessThanOrEqual(maxPerHost)
        }
    })
  })

  it('a slot is placed where a host passes all filters at its turn, and only then', () => {
    holds((run) => {
      for (const [at, placement] of run.placements.entries()) {
        const { fleet, wanted } = after(run, run.placements.slice(0, at))
        const own = toRequest({ ...run, wanted }, placement)
        const fitting = fleet.filter(({ id }) => passes(own, fleet, id)).map(({ id }) => id)
        if (placement.host === null) expect(fitting).toEqual([])
        else expect(fitting).toContain(placement.host)
      }
    })
  })

  it('a slot gets the host with the highest score of all that pass at its turn', () => {
    holds((run) => {
      const [first] = run.placements
      const [own] = run.wanted
      if (!first?.host || !own) return
      const judged = toJudge(own, run.fleet, NOW)
      const scores = run.fleet
        .filter(({ id }) => passes(own, run.fleet, id))
        .map(({ id }) => judged(id).score)
        .toSorted((a, b) => b.score - a.score)
      expect(first.explanation.best.map(({ score }) => score)).toEqual(
        scores.slice(0, 5).map(({ score }) => score),
      )
      for (const shown of first.explanation.best)
        expect(scores.find((each) => each.host === shown.host)).toEqual(shown)
    })
  })

  it('the numbers of an explanation add up', () => {
    holds((run) => {
      for (const placement of run.placements) {
        const { hosts, rejections, best } = placement.explanation
        const rejected = rejections.reduce((sum, { count }) => sum + count, 0)
        expect(hosts).toBe(run.fleet.length)
        expect(best.length).toBe(Math.min(5, hosts - rejected))
        const ranges = toRanges(toRequest(run, placement).weights)
        for (const { score, terms: parts } of best) {
          expect(score).toBe(Object.values(parts).reduce((sum, points) => sum + points, 0))
          expect(score).toBeGreaterThanOrEqual(0)
          expect(score).toBeLessThanOrEqual(100)
          for (const term of TERMS) {
            expect(parts[term]).toBeGreaterThanOrEqual(0)
            expect(parts[term]).toBeLessThanOrEqual(ranges[term])
          }
        }
        expect(best.map(({ score }) => score)).toEqual(
          best.map(({ score }) => score).toSorted((a, b) => b - a),
        )
        for (const { count, examples } of rejections) expect(examples.length).toBe(Math.min(3, count))
        expect(Buffer.byteLength(JSON.stringify(placement.explanation))).toBeLessThanOrEqual(
          MAX_EXPLANATION_BYTES,
        )
      }
    })
  })
})
