import { instanceOf, SERVICE_ID } from '@rollcall/contracts/admin/services/testing/service-views'
import { expect, it } from 'vitest'
import type { DesiredService } from './desired-fleet.ts'
import type { HostInspection } from './inspect-host.ts'
import { findDoubles, judgeFleet, type ShownService } from './judge-fleet.ts'

const NAMES = { project: 'shop', name: 'web' }
const DESIRED: DesiredService = { ...NAMES, kind: 'plain', replicas: 2, revision: 3, wanted: 'running' }
const IDS = ['aaaaaaaa', 'bbbbbbbb']

type Shown = ShownService['instances'][number]

function instance(slot: number, changed: Partial<Shown> = {}): Shown {
  const id = IDS[slot - 1] ?? ''
  return instanceOf(slot, { id, generation: 4, revision: 3, runningRevision: 3, ...changed })
}

function host(id: string): HostInspection {
  const slot = `shop/web.${IDS.indexOf(id) + 1}`
  return {
    programs: [{ instance: id, container: 'web', slot, generation: 4, revision: 3, pid: 70 }],
    containers: [{ instance: id, name: `rollcall-${id}-web`, generation: 4, state: 'running' }],
    units: [{ name: `rollcall-i-${id}-web.service`, active: 'active', enabled: 'enabled' }],
    folders: [{ instance: id, generation: 4, wanted: 'running' }],
  }
}

const SERVICE = {
  ...NAMES,
  id: SERVICE_ID,
  state: 'healthy' as const,
  reason: null,
  wanted: 'running' as const,
}
const hostsOf = (...inspections: HostInspection[]) =>
  new Map(inspections.map((inspection, at) => [`app-${at + 1}`, inspection]))

/** A fleet in which everything is as it is to be, but for what a test changes. */
function judge(
  changed: {
    desired?: Partial<DesiredService>
    service?: Partial<ShownService['service']>
    instances?: Shown[]
    hosts?: Map<string, HostInspection>
  } = {},
): string[] {
  const violations = judgeFleet({
    desired: [{ ...DESIRED, ...changed.desired }],
    shown: [
      {
        service: { ...SERVICE, ...changed.service },
        instances: changed.instances ?? [instance(1), instance(2)],
      },
    ],
    hosts: changed.hosts ?? hostsOf(host('aaaaaaaa'), host('bbbbbbbb')),
  })
  return violations.map(({ kind, text }) => `${kind}: ${text}`)
}

it('a fleet that is as it is to be has no violation', () => {
  expect(judge()).toEqual([])
})

it('a slot without an instance is found as lost', () => {
  const found = judge({ instances: [instance(1)], hosts: hostsOf(host('aaaaaaaa')) })
  expect(found).toEqual(['lost: shop/web.2 has no instance'])
})

it('a service that the server has forgotten, and one that it wants otherwise, are found as lost', () => {
  expect(judgeFleet({ desired: [DESIRED], shown: [], hosts: new Map() })).toMatchObject([{ kind: 'lost' }])
  expect(judge({ service: { wanted: 'stopped' } })).toEqual([
    'lost: shop/web is to be running, and the server wants it stopped',
  ])
})

it('an instance that is not well is found as lost, with the reason that is told', () => {
  const [first] = judge({
    instances: [instance(1, { health: 'failed', reason: 'web: GET / answered 503' }), instance(2)],
  })
  expect(first).toBe('lost: shop/web.1 on app-1 is running, its health failed: web: GET / answered 503')
})

it('a state that a process, podman, systemd or the folder of the instance contradicts is found as untrue', () => {
  const without = (part: keyof HostInspection) =>
    judge({ hosts: hostsOf({ ...host('aaaaaaaa'), [part]: [] }, host('bbbbbbbb')) })
  expect(without('programs')).toEqual([
    'untrue: shop/web.1 (aaaaaaaa) is running, and web does not run on app-1',
  ])
  expect(without('containers')).toHaveLength(1)
  expect(without('units')).toHaveLength(1)
  expect(without('folders')).toHaveLength(1)
  const dead = {
    ...host('aaaaaaaa'),
    containers: [{ instance: 'aaaaaaaa', name: 'rollcall-aaaaaaaa-web', generation: 4, state: 'exited' }],
  }
  expect(judge({ hosts: hostsOf(dead, host('bbbbbbbb')) })).toEqual([
    'untrue: shop/web.1 (aaaaaaaa) is running, and podman on app-1 says that web is exited',
  ])
})

it('an old generation and an old revision that run on are found as untrue', () => {
  const [program] = host('aaaaaaaa').programs
  if (!program) throw new Error('the host has no program')
  const hosts = hostsOf(
    { ...host('aaaaaaaa'), programs: [{ ...program, generation: 3, revision: 2 }] },
    host('bbbbbbbb'),
  )
  expect(judge({ hosts })).toEqual([
    'untrue: shop/web.1 (aaaaaaaa) is running, and app-1 runs generation 3 in place of 4',
    'untrue: shop/web.1 (aaaaaaaa) is running, and app-1 runs revision 2 of the file in place of 3',
  ])
})

it('a stopped service whose program runs on is found as untrue', () => {
  const stopped = { wanted: 'stopped' as const, state: 'stopped' as const, health: 'unknown' as const }
  const found = judge({
    desired: { wanted: 'stopped', replicas: 1 },
    service: { wanted: 'stopped', state: 'stopped' },
    instances: [instance(1, stopped)],
    hosts: hostsOf(host('aaaaaaaa')),
  })
  expect(found[0]).toBe('untrue: shop/web.1 (aaaaaaaa) is stopped, and web runs on app-1')
})

it('an instance that a host has and no server knows there is found as a stray, whatever is left of it', () => {
  const found = judge({
    desired: { replicas: 1 },
    instances: [instance(1)],
    hosts: hostsOf(host('aaaaaaaa'), {
      programs: [],
      containers: [],
      units: [],
      folders: host('bbbbbbbb').folders,
    }),
  })
  expect(found).toEqual(['stray: app-2 has folder of bbbbbbbb'])
})

it('a removed service that is still shown is found as untrue', () => {
  expect(judge({ desired: { wanted: 'gone' }, service: { state: 'removing' } })[0]).toBe(
    'untrue: shop/web was removed, and is removing still',
  )
})

it('a generation of a slot that runs twice is found, on one host and on two', () => {
  const one = host('aaaaaaaa')
  const [program] = one.programs
  if (!program) throw new Error('the host has no program')
  const twice = { ...one, programs: [program, { ...program, pid: 71 }] }
  expect(findDoubles(hostsOf(twice))).toMatchObject([{ kind: 'doubled', instance: 'aaaaaaaa' }])
  expect(
    findDoubles(hostsOf(one, { ...one, programs: [{ ...program, instance: 'cccccccc' }] })),
  ).toMatchObject([
    { kind: 'doubled', text: 'shop/web.1/web, generation 4 is process 70 on app-1 and process 70 on app-2' },
  ])
})
