import { RETRY_POLICIES, RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { runToEnd } from '../placement/run-to-end.ts'
import { GIB, NOW } from '../placement/testing/views.ts'
import type { PlacementHost } from '../placement/view.ts'
import { toSpareOutcome } from '../spare.ts'
import { planSpares } from './plan-spares.ts'
import { applied, entry, machine, plan, resolved } from './testing/plan-views.ts'

const FILE = (more: string, replicas = 2) => `
name: shop
services:
  web:
    image: web:1
    deploy: {replicas: ${replicas}}
    ${more}`
const fleet = ['app-1', 'app-2', 'app-3', 'app-4', 'app-5'].map((name) => machine(name))

function sparesOf(text: string, hosts: readonly PlacementHost[] = fleet, current: string[] = []) {
  const made = plan({ wanted: resolved(text), fleet: hosts })
  const view = { plan: made, fleet: hosts, now: NOW }
  const chosen = runToEnd(
    planSpares({ ...view, current: current.map((name) => ({ service: 'web', hostId: `id-${name}` })) }),
  )
  const instances = entry(made, 'web').slots.flatMap(({ host }) => host?.name ?? [])
  return { instances, spares: (chosen.get('web') ?? []).map(({ name }) => name) }
}

describe('the hosts that keep images as spare copies', () => {
  it('the spare hosts of a service are as many as it says, each once, and none that has an instance', () => {
    const { instances, spares } = sparesOf(FILE('x-rollcall: {spares: 3}'))
    expect(new Set([...instances, ...spares])).toEqual(new Set(fleet.map(({ name }) => name)))
    expect(spares).toHaveLength(3)
  })

  it('a service that says nothing has two, one that wants none has none, and there are no more than hosts', () => {
    expect(sparesOf(FILE('')).spares).toHaveLength(2)
    expect(sparesOf(FILE('x-rollcall: {spares: 0}')).spares).toEqual([])
    expect(sparesOf(FILE('x-rollcall: {spares: 10}')).spares).toHaveLength(3)
  })

  it('the spare hosts are those that would get the next instances', () => {
    const hosts = [
      ...fleet.slice(0, 2),
      machine('full', { capacity: { milliCpus: 0, memoryBytes: 0 } }),
      machine('arm', { architecture: 'arm64' }),
      machine('silent', { state: 'offline' }),
      machine('last', { measured: { milliCpus: 3000, memoryBytes: GIB } }),
    ]
    const needs = 'deploy: {replicas: 2, resources: {reservations: {cpus: "0.5", memory: 256M}}}'
    const text = FILE('').replace('deploy: {replicas: 2}', needs)
    expect(sparesOf(text, hosts)).toEqual({
      instances: expect.arrayContaining(['app-1', 'app-2']),
      spares: ['last'],
    })
  })

  it('a host that keeps the images stays a spare host where others are as good', () => {
    for (const name of fleet.map((host) => host.name)) {
      const { instances, spares } = sparesOf(FILE('x-rollcall: {spares: 1}'), fleet, [name])
      if (!instances.includes(name)) expect(spares).toEqual([name])
    }
  })

  it('a service whose data stays, or that is on every host, has none', () => {
    const volume = '\nvolumes: {data: {}}'
    expect(sparesOf(FILE(`volumes: ["data:/data"]${volume}`, 1)).spares).toEqual([])
    const moving = `volumes: ["data:/data"]\n    x-rollcall: {volumes: {data: {move: empty}}}${volume}`
    expect(sparesOf(FILE(moving, 1)).spares).toHaveLength(2)
    expect(sparesOf(FILE('').replace('replicas: 2', 'mode: global')).spares).toEqual([])
  })

  it('instances that are there keep their hosts, whichever hosts are spare', () => {
    const first = plan({ wanted: resolved(FILE('')), fleet })
    const again = plan({ wanted: resolved(FILE('')), fleet, stored: applied(first) })
    runToEnd(planSpares({ plan: again, fleet, current: [], now: NOW }))
    expect(entry(again, 'web').action).toBe('unchanged')
  })
})

describe('what follows a delivery to a spare host', () => {
  it('one that failed is tried again ever later, with the reason, and one that succeeded is not', () => {
    const error = new RollcallError('image.not_found', 'The servers lack it.')
    const failed = toSpareOutcome({ failures: 0 }, error, NOW, 1)
    expect(failed).toMatchObject({ state: 'failed', failures: 1, reason: 'The servers lack it.' })
    expect(failed.dueAt.getTime() - NOW.getTime()).toBe(RETRY_POLICIES.spare.firstMs)
    const later = toSpareOutcome({ failures: 50 }, new TypeError('secret detail'), NOW, 1)
    expect(later.dueAt.getTime() - NOW.getTime()).toBe(RETRY_POLICIES.spare.maxMs)
    expect(later.reason).not.toContain('secret detail')
    const stopped = new RollcallError('image.pull_stopped', 'The server was stopped.')
    expect(toSpareOutcome({ failures: 3 }, stopped, NOW, 1)).toMatchObject({ state: 'waiting', failures: 3 })
    expect(toSpareOutcome({ failures: 3 }, null, NOW, 1)).toMatchObject({ state: 'there', failures: 0 })
  })
})
