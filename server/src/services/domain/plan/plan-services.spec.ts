import { describe, expect, it } from 'vitest'
import { toReason } from '../placement/reason.ts'
import { runToEnd } from '../placement/run-to-end.ts'
import { GIB } from '../placement/testing/views.ts'
import { toPlanDigest } from './plan-digest.ts'
import type { PlannedService } from './planned.ts'
import { applied, dataOf, entry, machine, plan, resolved } from './testing/plan-views.ts'

const WEB = (more = '') => `
name: shop
services:
  web:
    image: web:1
    ports: ["80"]
    deploy: {replicas: 3}
${more}`

const fleet = [machine('app-1'), machine('app-2'), machine('app-3')]
const hosts = ({ slots }: PlannedService) => slots.map(({ host }) => host?.name ?? null)
const moves = ({ slots }: PlannedService) => slots.map(({ move }) => move)
const reasons = ({ slots }: PlannedService) =>
  slots.map(({ host, explanation }) => (host === null && explanation ? toReason(explanation) : null))

describe('a plan of services', () => {
  it('a new service gets a host and a chosen port for each slot, and the same view gives the same plan', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const web = entry(first, 'web')
    expect(web.action).toBe('new')
    expect(new Set(hosts(web))).toEqual(new Set(['app-1', 'app-2', 'app-3']))
    for (const { ports } of web.slots) {
      expect(ports).toMatchObject([{ container: 'web', target: 80, protocol: 'tcp' }])
      expect(ports[0]?.published).toBeGreaterThanOrEqual(20_000)
    }
    const again = plan({ wanted: resolved(WEB()), fleet: fleet.toReversed() })
    expect(runToEnd(toPlanDigest(again))).toBe(runToEnd(toPlanDigest(first)))
  })

  it('a file that was applied changes nothing when it is planned again', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const again = plan({ wanted: resolved(WEB()), fleet, stored: applied(first) })
    expect(entry(again, 'web')).toMatchObject({ action: 'unchanged', changes: [], leaving: [] })
    expect(moves(entry(again, 'web'))).toEqual(['keep', 'keep', 'keep'])
  })

  it('a changed image is told with its path, and each instance keeps its host and its port', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const web = entry(
      plan({ wanted: resolved(WEB().replace('web:1', 'web:2')), fleet, stored: applied(first) }),
      'web',
    )
    expect(web.action).toBe('changed')
    expect(web.changes.map(({ path }) => path)).toEqual(['services.web.image'])
    expect(web.changes[0]?.after).toContain('web:2')
    expect(moves(web)).toEqual(['replace', 'replace', 'replace'])
    expect(hosts(web)).toEqual(hosts(entry(first, 'web')))
    expect(web.slots.map(({ ports }) => ports)).toEqual(entry(first, 'web').slots.map(({ ports }) => ports))
  })

  it('a secret that is a variable is noted with the hosts that refuse it, and with what to do', () => {
    const file = `name: shop
services:
  web: {image: "web:1", x-rollcall: {secret_environment: {PASSWORD: token}}}
secrets: {token: {external: true}}
`
    const { notes } = plan({ wanted: resolved(file), fleet })
    expect(notes.join()).toMatch(
      /web: secret_environment needs podman 3.2.*Debian 11.*as a file by "secrets"/,
    )
    expect(plan({ wanted: resolved(WEB()), fleet }).notes.join()).not.toContain('podman')
  })

  it('a tag that has moved is a change, though the file is the same', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const moved = plan({ wanted: resolved(WEB(), { image: 'pushed again' }), fleet, stored: applied(first) })
    expect(entry(moved, 'web').changes).toMatchObject([{ path: 'services.web.image' }])
  })

  it('more replicas add slots and leave the instances that there are alone', () => {
    const two = WEB().replace('replicas: 3', 'replicas: 2')
    const first = plan({ wanted: resolved(two), fleet })
    const web = entry(plan({ wanted: resolved(WEB()), fleet, stored: applied(first) }), 'web')
    expect(web.changes).toMatchObject([{ path: 'services.web.deploy.replicas', before: '2', after: '3' }])
    expect(moves(web)).toEqual(['keep', 'keep', 'create'])
  })

  it('fewer replicas take the last slots away and nothing else', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const one = WEB().replace('replicas: 3', 'replicas: 1')
    const web = entry(plan({ wanted: resolved(one), fleet, stored: applied(first) }), 'web')
    expect(moves(web)).toEqual(['keep'])
    expect(web.leaving.map(({ slot }) => slot)).toEqual([2, 3])
  })

  it('a service that is in the file no more is left behind, and removed only by a plan that prunes', () => {
    const first = plan({
      wanted: resolved(WEB('  db: {image: "db:1", volumes: ["data:/data"]}\nvolumes: {data: }')),
      fleet,
    })
    const stored = applied(first)
    const volumes = dataOf(first, 'shop_data').filter(({ service }) => service === 'db')
    const left = entry(plan({ wanted: resolved(WEB()), fleet, stored, volumes }), 'db')
    expect(left).toMatchObject({ action: 'left_behind', leaving: [], removedVolumes: [], keptVolumes: [] })
    const pruned = entry(plan({ wanted: resolved(WEB()), fleet, stored, volumes, isPruning: true }), 'db')
    expect(pruned).toMatchObject({ action: 'removed', removedVolumes: [], keptVolumes: ['shop_data'] })
    expect(pruned.leaving).toHaveLength(1)
  })

  it('a volume of a removed service goes only if it is named', () => {
    const file = 'name: shop\nservices: {db: {image: "db:1", volumes: ["a:/a", "b:/b"]}}\nvolumes: {a: , b: }'
    const stored = applied(plan({ wanted: resolved(file), fleet }))
    const removedVolumes = ['shop_a']
    const pruned = entry(
      plan({ wanted: resolved(WEB()), fleet, stored, isPruning: true, removedVolumes }),
      'db',
    )
    expect(pruned).toMatchObject({ removedVolumes: ['shop_a'], keptVolumes: ['shop_b'] })
  })

  it('an instance whose volume stays is placed where its data is, and nowhere else', () => {
    const file = 'name: shop\nservices: {db: {image: "db:1", volumes: ["data:/data"]}}\nvolumes: {data: }'
    const volumes = [{ service: 'db', slot: 1, name: 'shop_data', hostId: 'id-app-2' }]
    expect(hosts(entry(plan({ wanted: resolved(file), fleet, volumes }), 'db'))).toEqual(['app-2'])
    const [one, two] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const away = plan({ wanted: resolved(file), fleet: [one, { ...two, state: 'offline' }], volumes })
    expect(hosts(entry(away, 'db'))).toEqual([null])
  })

  it('slots with data of their own are never on one host, where they would write the same volume', () => {
    const file = WEB('    volumes: ["data:/data"]\nvolumes: {data: }')
    const two = plan({ wanted: resolved(file), fleet: fleet.slice(0, 2) })
    expect(hosts(entry(two, 'web')).toSorted()).toEqual(['app-1', 'app-2', null])
    const shared = file.replace(
      'volumes: [',
      'x-rollcall: {fence: confirm, volumes: {data: {move: shared}}}\n    volumes: [',
    )
    expect(hosts(entry(plan({ wanted: resolved(shared), fleet: fleet.slice(0, 1) }), 'web'))).toEqual([
      'app-1',
      'app-1',
      'app-1',
    ])
  })

  it('three replicas with one fixed port need three hosts; with two, the third says by name whose port it is', () => {
    const file = resolved(WEB().replace('"80"', '"8443:80"'))
    expect(new Set(hosts(entry(plan({ wanted: file, fleet }), 'web'))).size).toBe(3)
    const web = entry(plan({ wanted: file, fleet: fleet.slice(0, 2) }), 'web')
    expect(hosts(web)[2]).toBeNull()
    expect(reasons(web)[2]).toMatch(
      /^no host of 2: 2 use port tcp\/8443 \(app-\d: shop\/web\.\d, app-\d: shop\/web\.\d\)$/,
    )
  })

  it('a service whose host does not fit its labels any more moves, and one that fits nowhere else stays as it is', () => {
    const placed = (select: string) =>
      resolved(`name: shop\nservices: {web: {image: "web:1", x-rollcall: {place: {select: "${select}"}}}}`)
    const labelled = [machine('a', { labels: { zone: 'a' } }), machine('b', { labels: { zone: 'b' } })]
    const stored = applied(plan({ wanted: placed('zone=a'), fleet: labelled }))
    const moved = entry(plan({ wanted: placed('zone=b'), fleet: labelled, stored }), 'web')
    expect([moves(moved), hosts(moved)]).toEqual([['move'], ['b']])
    const stuck = entry(plan({ wanted: placed('zone=c'), fleet: labelled, stored }), 'web')
    expect([moves(stuck), hosts(stuck)]).toEqual([['stay'], ['a']])
  })

  it('an instance on a silent host keeps its place when its service changes', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const silent = fleet.map((one) => ({ ...one, state: 'offline' as const }))
    const changed = resolved(WEB().replace('web:1', 'web:2'))
    const web = entry(plan({ wanted: changed, fleet: silent, stored: applied(first) }), 'web')
    expect(moves(web)).toEqual(['replace', 'replace', 'replace'])
  })

  it('a port of an earlier order that has not been given back yet can be taken up again by the same instance', () => {
    const file = (ports: string) =>
      resolved(`name: shop\nservices: {web: {image: "web:1", ports: [${ports}]}}`)
    const stored = applied(plan({ wanted: file('"80"'), fleet }))
    const holder = { protocol: 'tcp' as const, port: 8443, holder: 'shop/web.1' }
    const held = fleet.map((one) => ({ ...one, ports: [holder] }))
    const web = entry(plan({ wanted: file('"8443:80"'), fleet: held, stored }), 'web')
    expect([moves(web), web.slots[0]?.ports.map(({ published }) => published)]).toEqual([['replace'], [8443]])
  })

  it('a service that asks for more memory than its host has left moves to one that has it', () => {
    const asking = (memory: string) =>
      resolved(
        `name: shop\nservices: {web: {image: "web:1", deploy: {resources: {reservations: {memory: ${memory}}}}}}`,
      )
    const small = machine('a', { capacity: { milliCpus: 4000, memoryBytes: 2 * GIB } })
    const stored = applied(plan({ wanted: asking('1G'), fleet: [small] }))
    const big = machine('b')
    const web = entry(plan({ wanted: asking('4G'), fleet: [small, big], stored }), 'web')
    expect([moves(web), hosts(web)]).toEqual([['move'], ['b']])
  })

  it('one instance on every host that fits: a new host gets one, and a host that fits no more loses its own', () => {
    const global = resolved(
      'name: shop\nservices: {agent: {image: "a:1", deploy: {mode: global}, x-rollcall: {place: {select: "run"}}}}',
    )
    const runs = (...names: string[]) =>
      fleet.map((one) => ({
        ...one,
        labels: (names.includes(one.name) ? { run: '' } : {}) as Record<string, string>,
      }))
    const first = plan({ wanted: global, fleet: runs('app-1', 'app-2') })
    expect(hosts(entry(first, 'agent')).sort()).toEqual(['app-1', 'app-2'])
    const more = entry(
      plan({ wanted: global, fleet: runs('app-1', 'app-2', 'app-3'), stored: applied(first) }),
      'agent',
    )
    expect(moves(more).sort()).toEqual(['create', 'keep', 'keep'])
    const none = entry(plan({ wanted: global, fleet: runs() }), 'agent')
    expect(reasons(none)).toEqual(['no host of 3: 3 lack label run (app-1, app-2, app-3)'])
  })

  it('a failed instance and a stopped service are set going again by the same file', () => {
    const first = plan({ wanted: resolved(WEB()), fleet })
    const [service] = applied(first)
    if (!service) throw new Error('nothing was applied')
    const instances = service.instances.map((one, at) =>
      at === 0 ? { ...one, state: 'failed' as const } : one,
    )
    const again = entry(plan({ wanted: resolved(WEB()), fleet, stored: [{ ...service, instances }] }), 'web')
    expect([again.action, moves(again)]).toEqual(['changed', ['replace', 'keep', 'keep']])
    const halted = plan({ wanted: resolved(WEB()), fleet, stored: [{ ...service, isHalted: true }] })
    expect(entry(halted, 'web').action).toBe('changed')
  })

  it('services are ordered so that each comes after those that it needs', () => {
    const file = resolved(`
name: shop
services:
  web: {image: "web:1", deploy: {replicas: 2}, depends_on: [api], x-rollcall: {reach: [api]}}
  api: {image: "api:1", deploy: {replicas: 2}, x-rollcall: {reach: [db]}}
  db: {image: "db:1"}
  mail: {image: "mail:1", deploy: {replicas: 2}}`)
    const { order } = plan({ wanted: file, fleet })
    expect(order.map((step) => step.toSorted())).toEqual([['db', 'mail'], ['api'], ['web']])
  })
})
