import type { InstanceView, ServiceView } from '@rollcall/contracts/admin'
import { type DesiredService, toContainerNames, toReference } from './desired-fleet.ts'
import type { HostInspection } from './inspect-host.ts'
import type { Violation } from './violation.ts'

/** A service as the server shows it. */
export interface ShownService {
  service: Pick<ServiceView, 'id' | 'project' | 'name' | 'state' | 'reason' | 'wanted'>
  instances: readonly InstanceView[]
}

/** All that is compared when a run has settled. */
export interface FleetView {
  desired: readonly DesiredService[]
  shown: readonly ShownService[]
  /** By the names of hosts. */
  hosts: ReadonlyMap<string, HostInspection>
}

/** Compares what was wanted, what the server says and what the hosts have, when all has settled. Pure. Returns each difference. */
export function judgeFleet(view: FleetView): Violation[] {
  return [
    ...judgeServices(view.desired, view.shown),
    ...view.shown.flatMap(({ instances }) => instances.flatMap((instance) => judgeInstance(instance, view))),
    ...findStrays(view),
    ...findDoubles(view.hosts),
  ]
}

/** Compares services with how they are to be, by what the server says alone. */
export const judgeServices = (desired: FleetView['desired'], shown: FleetView['shown']): Violation[] =>
  desired.flatMap((service) => judgeService(service, shown))

/** Finds slots that run twice by what hosts said at about one time. */
export function findDoubles(hosts: FleetView['hosts']): Violation[] {
  const seen = new Map<string, string>()
  const doubles: Violation[] = []
  for (const [host, { programs }] of hosts)
    for (const { slot, container, generation, instance, pid } of programs) {
      const key = `${slot}/${container}, generation ${generation}`
      const other = seen.get(key)
      const place = `process ${pid} on ${host}`
      if (other !== undefined)
        doubles.push({ kind: 'doubled', instance, text: `${key} is ${other} and ${place}` })
      seen.set(key, place)
    }
  return doubles
}

function judgeService(desired: DesiredService, shown: FleetView['shown']): Violation[] {
  const name = toReference(desired)
  const found = shown.find(({ service }) => toReference(service) === name)
  const wrong = (kind: Violation['kind'], text: string, instance: string | null = null) => [
    { kind, instance, text: `${name} ${text}` },
  ]
  if (desired.wanted === 'gone')
    return found ? wrong('untrue', `was removed, and is ${found.service.state} still`) : []
  if (!found) return wrong('lost', 'is not known to the server any more')
  const { service, instances } = found
  if (service.wanted !== desired.wanted)
    return wrong('lost', `is to be ${desired.wanted}, and the server wants it ${service.wanted}`)
  const expected = desired.wanted === 'running' ? 'healthy' : 'stopped'
  const faults = Array.from({ length: desired.replicas }, (_, at) => at + 1).flatMap((slot) =>
    judgeSlot(
      desired,
      slot,
      instances.filter((one) => one.slot === slot),
    ),
  )
  if (service.state !== expected)
    faults.push(...wrong('lost', `is ${service.state} in place of ${expected}: ${service.reason}`))
  const extra = instances.filter(({ slot }) => slot > desired.replicas)
  return [
    ...faults,
    ...extra.flatMap(({ id, slot, state }) => wrong('untrue', `has a slot ${slot} too many, ${state}`, id)),
  ]
}

function judgeSlot(desired: DesiredService, slot: number, instances: readonly InstanceView[]): Violation[] {
  const name = `${toReference(desired)}.${slot}`
  const [first, ...others] = instances
  if (!first) return [{ kind: 'lost', instance: null, text: `${name} has no instance` }]
  const { id: instance, state, health, reason, host } = first
  if (others.length > 0)
    return [
      {
        kind: 'doubled',
        instance,
        text: `${name} has ${instances.length} instances: ${instances.map(({ id }) => id).join(', ')}`,
      },
    ]
  const where = `${name} on ${host?.name ?? 'no host'}`
  if (desired.wanted === 'stopped')
    return state === 'stopped'
      ? []
      : [{ kind: 'lost', instance, text: `${where} is ${state} in place of stopped: ${reason}` }]
  if (state === 'running' && health === 'success') return []
  return [
    {
      kind: 'lost',
      instance,
      text: `${where} is ${state}, its health ${health}: ${reason ?? 'nothing says why'}`,
    },
  ]
}

/** Compares what the server says of an instance with its host: processes, podman, systemd, and the folder on the disk. */
function judgeInstance(instance: InstanceView, { desired, shown, hosts }: FleetView): Violation[] {
  const { id, name, host, generation, state } = instance
  const inspection = hosts.get(host?.name ?? '')
  const wrong = (text: string): Violation => ({
    kind: 'untrue',
    instance: id,
    text: `${name} (${id}) is ${state}, and ${text}`,
  })
  if (!inspection) return host === null ? [] : [wrong(`nobody can ask ${host.name}`)]
  const owner = shown.find(({ instances }) => instances.includes(instance))
  const service = desired.find((one) => owner && toReference(one) === toReference(owner.service))
  if (!service) return [wrong('nobody has applied its service')]
  const on = host?.name
  const isRunning = state === 'running'
  const faults: Violation[] = []
  const expect = (isSo: boolean, text: string) => {
    if (!isSo) faults.push(wrong(text))
  }
  for (const container of toContainerNames(service)) {
    const program = inspection.programs.find((one) => one.instance === id && one.container === container)
    const listed = inspection.containers.find((one) => one.name === `rollcall-${id}-${container}`)
    const unit = inspection.units.find((one) => one.name === `rollcall-i-${id}-${container}.service`)
    expect(
      (program !== undefined) === isRunning,
      `${container} ${program ? 'runs' : 'does not run'} on ${on}`,
    )
    expect(
      (listed?.state === 'running') === isRunning,
      `podman on ${on} says that ${container} is ${listed?.state ?? 'not there'}`,
    )
    expect(
      (unit?.active === 'active') === isRunning && (unit?.enabled === 'enabled') === isRunning,
      `systemd on ${on} says that ${container} is ${unit?.active ?? 'not there'}, ${unit?.enabled}`,
    )
    if (!program) continue
    expect(
      program.generation === generation,
      `${on} runs generation ${program.generation} in place of ${generation}`,
    )
    expect(
      program.revision === service.revision,
      `${on} runs revision ${program.revision} of the file in place of ${service.revision}`,
    )
  }
  const folder = inspection.folders.find((one) => one.instance === id)
  if (isRunning)
    expect(
      folder?.generation === generation && folder.wanted === 'running',
      `the folder on ${on} says generation ${folder?.generation}, ${folder?.wanted}`,
    )
  return faults
}

/** Finds what hosts have of instances that the server does not know there. */
function findStrays({ shown, hosts }: FleetView): Violation[] {
  const known = new Set(
    shown.flatMap(({ instances }) => instances.map(({ id, host }) => `${id} ${host?.name}`)),
  )
  return [...hosts].flatMap(([host, { programs, containers, units, folders }]) => {
    const found = [
      ...programs.map(({ instance, pid }) => ({ instance, text: `process ${pid}` })),
      ...containers.map(({ instance, name, state }) => ({ instance, text: `container ${name}, ${state}` })),
      ...units.map(({ name, active }) => ({ instance: toInstanceId(name), text: `unit ${name}, ${active}` })),
      ...folders.map(({ instance }) => ({ instance, text: `folder of ${instance}` })),
    ]
    return found
      .filter(({ instance }) => !known.has(`${instance} ${host}`))
      .map(({ instance, text }) => ({ kind: 'stray' as const, instance, text: `${host} has ${text}` }))
  })
}

/** Returns the id in the name of a unit: `rollcall-i-ID-CONTAINER.service`. */
const toInstanceId = (unit: string) => unit.slice('rollcall-i-'.length, 'rollcall-i-'.length + 8)
