import { describe, expect, it } from 'vitest'
import { MAX_EXPLANATION_BYTES } from './explanation.ts'
import { toJudge } from './judge.ts'
import { toReason } from './reason.ts'
import { ago, GIB, host, hostsOf, MIB, NOW, placeAll, reasonFor, request, terms } from './testing/views.ts'
import { CHOSEN_PORTS, FIRST_CHOSEN_PORT, type PlacementHost, type PlacementRequest } from './view.ts'

const fleetOf = (count: number, change: (at: number) => Partial<PlacementHost> = () => ({})) =>
  Array.from({ length: count }, (_, at) => host(`app-${at + 1}`, change(at)))
const slots = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

describe('a placement', () => {
  it('a host that has as many instances as it may is passed over, and named where no other fits', () => {
    const fleet = [host('full', { instances: 500 }), host('nearly', { instances: 499 })]
    expect(hostsOf(request('web', { slots: slots(2) }), fleet)).toEqual(['nearly', null])
    expect(reasonFor(request('web'), [host('full', { instances: 500 })])).toBe(
      'no host of 1: 1 has 500 instances, the most (full: 500)',
    )
  })

  it('a host is judged by what was asked, and says nothing of room for images that it has or pulls itself', () => {
    const evidence = (bytes: number, images: string[]) => {
      const wanted = request('web', { images: [{ digest: 'sha256:1', bytes }] })
      const { conditions } = toJudge(wanted, [host('app-1', { images })], NOW)('id-app-1')
      return conditions.filter(({ filter }) => filter === 'disk').map((condition) => condition.evidence)
    }
    expect(evidence(100 * MIB, [])).toEqual(['102400 MiB of 110 MiB'])
    expect(evidence(100 * MIB, ['sha256:1'])).toEqual([null])
    expect(evidence(0, [])).toEqual([])
  })

  it('a slot goes to the host with most processors and memory free, whichever is scarcer', () => {
    const fleet = [
      host('busy', { measured: { milliCpus: 3000, memoryBytes: 0 } }),
      host('free', { measured: { milliCpus: 800, memoryBytes: 2 * GIB } }),
      host('full', { reserved: { milliCpus: 0, memoryBytes: 6 * GIB } }),
    ]
    expect(hostsOf(request('web'), fleet)).toEqual(['free'])
  })

  it('services without reservations do not all go to the one host that is free', () => {
    const services = Array.from({ length: 8 }, (_, at) => request(`web-${at}`))
    const used = new Set(placeAll(services, fleetOf(8)).map((placement) => placement.host))
    expect(used.size).toBe(8)
  })

  it('slots spread over zones first and then over hosts', () => {
    const fleet = fleetOf(6, (at) => ({ labels: { zone: 'abc'.charAt(at % 3) } }))
    const wanted = request('web', { slots: slots(6), spread: ['zone'] })
    const chosen = hostsOf(wanted, fleet)
    const zones = chosen.map((name) => fleet.find((each) => each.name === name)?.labels.zone)
    expect(new Set(zones.slice(0, 3)).size).toBe(3)
    expect(new Set(zones.slice(3)).size).toBe(3)
    expect(new Set(chosen).size).toBe(6)
  })

  it('a slot goes where the image is, where the data is, and where it ran before', () => {
    const image = { digest: 'sha256:1', bytes: MIB }
    const fleet = [host('plain'), host('image', { images: ['sha256:1'] }), host('data'), host('ran')]
    const volume = { name: 'data', move: 'copy' as const, hosts: ['id-data'] }
    expect(hostsOf(request('web', { images: [image] }), fleet)).toEqual(['image'])
    expect(hostsOf(request('web', { volumes: [volume] }), fleet)).toEqual(['data'])
    expect(hostsOf(request('web', { ranOn: ['id-ran'] }), fleet)).toEqual(['ran'])
  })

  it('a host that lists an image twice gets the points of it once, among few images and among many', () => {
    const fleet = [host('image', { images: ['sha256:1', 'sha256:1'] })]
    const many = [1, 2, 3, 4, 5, 6].map((at) =>
      request(`web-${at}`, { images: [{ digest: `sha256:${at}`, bytes: MIB }] }),
    )
    for (const requests of [many.slice(0, 1), many])
      expect(placeAll(requests, fleet)[0]?.explanation.best[0]?.terms.affinity).toBe(6)
  })

  it('a label that every object inherits is no label of a host', () => {
    const wanted = request('web', { select: terms('!constructor'), constraints: terms('!constructor') })
    expect(hostsOf(wanted, [host('app-1')])).toEqual(['app-1'])
    const labelled = [host('plain'), host('app-2', { labels: { constructor: 'us' } })]
    expect(hostsOf(request('web', { constraints: terms('constructor=us') }), labelled)).toEqual(['app-2'])
  })

  it('a preference outweighs a small difference in load, and its weight says how much', () => {
    const fleet = [
      host('plain'),
      host('ssd', { labels: { ssd: 'true' }, measured: { milliCpus: 1000, memoryBytes: 0 } }),
    ]
    const prefer = [{ terms: terms('ssd=true'), weight: 20 }]
    expect(hostsOf(request('web', { prefer }), fleet)).toEqual(['ssd'])
    expect(hostsOf(request('web', { prefer, weights: { preference: 5 } }), fleet)).toEqual(['plain'])
  })

  it('a host that fell silent lately loses points', () => {
    const fleet = [host('flaps', { silences: [ago(1000), ago(2000)] }), host('steady'), host('z-old')]
    const [placement] = placeAll([request('web')], fleet)
    const flaps = placement?.explanation.best.find((each) => each.host === 'flaps')
    expect(flaps?.terms.flaps).toBe(-10)
    expect(placement?.explanation.best.at(-1)).toBe(flaps)
  })

  it('a chosen port is the same again where it is free, and another where it is taken', () => {
    const wanted = request('web', { ports: [{ protocol: 'tcp', port: null }] })
    const port = (fleet: readonly PlacementHost[]) => placeAll([wanted], fleet)[0]?.ports[0]?.port ?? 0
    const first = port([host('app-1')])
    expect(port([host('app-2')])).toBe(first)
    const taken = host('app-3', { ports: [{ protocol: 'tcp', port: first, holder: 'nginx' }] })
    expect(port([taken])).toBe(first === 29_999 ? 20_000 : first + 1)
  })

  it('slots whose volume stays go to its host alone', () => {
    const volumes = [{ name: 'db', move: 'stay' as const, hosts: ['id-app-2'] }]
    expect(hostsOf(request('db', { volumes }), fleetOf(3))).toEqual(['app-2'])
    const gone = [{ name: 'db', move: 'stay' as const, hosts: ['id-gone'] }]
    expect(reasonFor(request('db', { volumes: gone }), fleetOf(2))).toBe(
      'no host of 2: 2 do not have the data of volume db (app-1, app-2)',
    )
  })

  it('an image is counted once on the disk of a host', () => {
    const images = [{ digest: 'sha256:1', bytes: 1000 * MIB }]
    const services = [request('web', { images, slots: [1, 2] }), request('api', { images })]
    const roomy = [host('app-1', { freeDiskBytes: 1100 * MIB })]
    expect(placeAll(services, roomy).every((each) => each.host === 'id-app-1')).toBe(true)
    const other = request('other', { images: [{ digest: 'sha256:2', bytes: MIB }] })
    expect(placeAll([...services, other], roomy).at(-1)?.host).toBeNull()
  })

  it('weights of more than 100 together are refused', () => {
    expect(() => placeAll([request('web', { weights: { load: 70, spread: 40 } })], fleetOf(1))).toThrow(
      'weights are whole numbers of at most 100 together, not 70, 40',
    )
  })
})

describe('the reason for a slot that is not placed', () => {
  it('a reason names how many hosts fail at which filter, in the order of filters', () => {
    const fleet = [
      ...fleetOf(2, () => ({ labels: { zone: 'c' } })),
      ...[201, 100].map((free, at) =>
        host(`small-${at}`, {
          labels: { zone: 'a' },
          measured: { milliCpus: 0, memoryBytes: 8 * GIB - free * MIB },
        }),
      ),
      ...[1, 2, 3, 4].map((at) =>
        host(`web-${at}`, {
          labels: { zone: 'b' },
          ports: [{ protocol: 'tcp', port: 8443, holder: `shop-web.${at}` }],
        }),
      ),
      host('zoff', { state: 'offline', labels: { zone: 'a' } }),
    ]
    const wanted = request('web', {
      select: terms('zone in (a,b)'),
      needs: { milliCpus: 0, memoryBytes: 256 * MIB },
      ports: [{ protocol: 'tcp', port: 8443 }],
    })
    expect(reasonFor(wanted, fleet)).toBe(
      'no host of 9: 1 is not online (zoff: offline); 2 lack label zone in (a,b) (app-1, app-2); ' +
        '2 have less than 256 MiB free (most: small-0, 201 MiB); ' +
        '4 use port tcp/8443 (web-1: shop-web.1, web-2: shop-web.2, web-3: shop-web.3, …)',
    )
  })

  it.each<[string, Partial<PlacementHost>, Partial<PlacementRequest>, string]>([
    ['drained', { isDrained: true }, {}, '1 is not open for instances (app-1: drained)'],
    ['settling', { settlesAt: ago(-1000) }, {}, '1 is not settled (app-1: until 12:00:01)'],
    [
      'without a known agent',
      { protocol: null },
      {},
      '1 has an agent without protocol 7 (app-1: protocol unknown)',
    ],
    ['of another architecture', { architecture: 'aarch64' }, {}, '1 is not x86_64 (app-1: aarch64)'],
    ['without an engine', { engine: null }, {}, '1 has no podman or docker (app-1: none)'],
    ['with Docker', { engine: 'docker' }, { engines: ['podman'] }, '1 has no podman (app-1: docker)'],
    [
      'excluded by name',
      {},
      { constraints: terms('node.hostname!=app-1') },
      '1 breaks the constraint node.hostname!=app-1 (app-1)',
    ],
    [
      'whose processors are busy',
      { measured: { milliCpus: 3700, memoryBytes: 0 } },
      { needs: { milliCpus: 500, memoryBytes: 0 } },
      '1 has less than 0.5 CPU free (most: app-1, 0.3 CPU)',
    ],
    [
      'with a full disk',
      { freeDiskBytes: 54 * MIB },
      { images: [{ digest: 'sha256:1', bytes: 50 * MIB }] },
      '1 has no room on the disk for the image (most: app-1, 54 MiB of 55 MiB)',
    ],
    ['with an instance', {}, { maxPerHost: 1, instances: ['id-app-1'] }, '1 has 1 of it already (app-1: 1)'],
    [
      'where it failed',
      {},
      { failures: [1, 2, 3].map((ms) => ({ host: 'id-app-1', at: ago(ms) })) },
      '1 failed this revision 3 times in 10 min (app-1: 3)',
    ],
  ])('a host %s is refused with its reason', (_, change, wanted, reason) => {
    expect(reasonFor(request('web', wanted), [host('app-1', change)])).toBe(`no host of 1: ${reason}`)
  })

  it('failures that are old, or of fewer than three, keep no host away', () => {
    const failures = [1, 2, 600_001, 700_000].map((ms) => ({ host: 'id-app-1', at: ago(ms) }))
    expect(hostsOf(request('web', { failures }), fleetOf(1))).toEqual(['app-1'])
  })

  it('a host whose ports to choose from are all in use is refused', () => {
    const ports = Array.from({ length: CHOSEN_PORTS - 1 }, (_, at) => ({
      protocol: 'tcp' as const,
      port: FIRST_CHOSEN_PORT + at,
      holder: 'other',
    }))
    const wanted = request('web', { slots: [1, 2], ports: [{ protocol: 'tcp', port: null }] })
    const [first, second] = placeAll([wanted], [host('app-1', { ports })])
    expect(first?.ports).toEqual([{ protocol: 'tcp', port: 29_999 }])
    expect(second && toReason(second.explanation)).toBe(
      'no host of 1: 1 uses port tcp/20000-29999 (app-1: 0 free)',
    )
  })

  it('a fleet without hosts is the reason', () => {
    expect(reasonFor(request('web'), [])).toBe('there is no host')
  })

  it('an explanation stays within its bound, however long names and selectors are', () => {
    const long = (at: number) => `${'n'.repeat(60)}${at}`
    const keys = Array.from({ length: 40 }, (_, at) => `${'k'.repeat(60)}${at}`)
    const fleet = keys.map((_, at) =>
      host(long(at), { labels: Object.fromEntries(keys.slice(0, at).map((key) => [key, 'v'])) }),
    )
    const select = keys.flatMap((key) => terms(key))
    const [placement] = placeAll([request('web', { select })], fleet)
    expect(Buffer.byteLength(JSON.stringify(placement?.explanation))).toBeLessThanOrEqual(
      MAX_EXPLANATION_BYTES,
    )
    expect(placement?.explanation.rejections.reduce((sum, { count }) => sum + count, 0)).toBe(40)
  })
})

describe('the judgement of one host', () => {
  it('a judgement shows every condition in order, and the score that the host would have', () => {
    const wanted = request('web', {
      select: terms('zone=a,ssd'),
      needs: { milliCpus: 100, memoryBytes: 0 },
      ports: [{ protocol: 'tcp', port: 80 }],
    })
    const other = host('app-2', {
      labels: { zone: 'b' },
      ports: [{ protocol: 'tcp', port: 80, holder: 'nginx' }],
    })
    const { conditions, score } = toJudge(wanted, [host('app-1'), other], NOW)('id-app-2')
    expect(conditions.map(({ filter }) => filter)).toEqual([
      'state',
      'state',
      'state',
      'agent',
      'architecture',
      'engine',
      'selector',
      'selector',
      'processor',
      'ports',
      'instances',
    ])
    expect(conditions.filter(({ passes }) => !passes)).toEqual([
      { filter: 'selector', detail: 'zone=a', passes: false, evidence: null },
      { filter: 'selector', detail: 'ssd', passes: false, evidence: null },
      { filter: 'ports', detail: 'tcp/80', passes: false, evidence: 'nginx' },
    ])
    expect(score).toMatchObject({ host: 'app-2', score: 69 })
  })

  it('a host that is open and settled is not said to be drained, or to settle at a time', () => {
    const { conditions } = toJudge(request('web'), fleetOf(1), NOW)('id-app-1')
    const shown = conditions.filter(({ filter }) => filter === 'state').map(({ evidence }) => evidence)
    expect(shown).toEqual(['online', 'open', 'settled'])
  })

  it('a request that any agent can serve says nothing of the agent', () => {
    const { conditions } = toJudge(request('web', { minProtocol: 0 }), fleetOf(1), NOW)('id-app-1')
    expect(conditions.map(({ filter }) => filter)).not.toContain('agent')
  })

  it('a host that is not in the fleet is not judged', () => {
    expect(() => toJudge(request('web'), fleetOf(1), NOW)('id-gone')).toThrow(
      'host id-gone is not in the fleet',
    )
  })
})
