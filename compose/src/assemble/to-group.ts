import type { Constraint } from '../keys/deploy-keys.ts'
import type { Reader } from '../read/reader.ts'
import type { Place } from '../source/tree.ts'
import type { ServiceGroup, ServiceSpec } from '../spec.ts'
import { type Draft, type ServiceValues, toReplicas } from './drafts.ts'

const DEFAULT_DEADLINE_MS = 600_000
const DEFAULT_MONITOR_MS = 5000
const DEFAULT_SPARES = 2
const DEFAULT_LEASE_MS = 20_000
const DEFAULT_WEIGHTS = { load: 40, spread: 30, affinity: 15, preference: 15 }

type Rollcall = NonNullable<ServiceValues['x-rollcall']>
type Deploy = NonNullable<ServiceValues['deploy']>

/** Returns the group of some services: what is placed as one. What a group can have only once must not be said twice in different words. */
export function toGroup(name: string, drafts: readonly Draft[], services: ServiceSpec[]): ServiceGroup {
  const own = (key: keyof Rollcall) =>
    findOne(drafts, ['x-rollcall', key], ({ values }) => values['x-rollcall']?.[key])
  const fence = (own('fence') as Rollcall['fence']) ?? 'none'
  const lease = own('lease') as Rollcall['lease']
  const group: ServiceGroup = {
    name,
    replicas: drafts[0] ? toReplicas(drafts[0]) : 1,
    place: toPlace(drafts, own('place') as Rollcall['place']),
    fence,
    leaseMs: fence === 'lease' ? (lease ?? DEFAULT_LEASE_MS) : null,
    hasLastResort: own('last_resort') !== undefined,
    rollout: toRollout(drafts, own('rollout') as Rollcall['rollout']),
    heal: toHeal(own('heal') as Rollcall['heal']),
    volumes: drafts.flatMap(({ values }) => toMoves(values['x-rollcall'])),
    spares: (own('spares') as Rollcall['spares']) ?? DEFAULT_SPARES,
    pull: (own('pull') as Rollcall['pull']) ?? 'server',
    services,
  }
  checkFence(drafts, group)
  checkVolumes(drafts, group)
  checkPorts(drafts)
  return group
}

/** Finds the one value that the services of a group give. A second one that differs is a fault. */
function findOne<T>(
  drafts: readonly Draft[],
  path: readonly string[],
  get: (draft: Draft) => T | undefined,
): T | undefined {
  let first: { draft: Draft; value: T } | undefined
  for (const draft of drafts) {
    const value = get(draft)
    if (value === undefined) continue
    if (!first) first = { draft, value }
    else if (toComparable(first.value) !== toComparable(value))
      path
        .reduce((reader, key) => reader.at(key), draft.reader)
        .fault(
          placeOf(draft, path),
          `differs from that of ${first.draft.name}, which is on the same host in the same group`,
          'say it at one service of the group, or give this service replicas to leave it',
        )
  }
  return first?.value
}

const toComparable = (value: unknown) =>
  JSON.stringify(value, (key, inner) => (key === 'places' || key === 'place' ? undefined : inner))

function placeOf({ values, place }: Draft, [outer = '', inner = '']: readonly string[]): Place {
  const outerPlaces = values.places as Record<string, Place | undefined>
  const nested = (values as Record<string, unknown>)[outer] as { places?: Record<string, Place> } | undefined
  return nested?.places?.[inner] ?? outerPlaces[outer] ?? place
}

function toPlace(drafts: readonly Draft[], own: Rollcall['place']): ServiceGroup['place'] {
  const constraints = drafts.flatMap(({ values }) => values.deploy?.placement?.constraints ?? [])
  const placement = findOne(
    drafts,
    ['deploy', 'placement'],
    ({ values }) => values.deploy?.placement?.preferences,
  )
  const maxPerNode = findOne(
    drafts,
    ['deploy', 'placement'],
    ({ values }) => values.deploy?.placement?.max_replicas_per_node,
  )
  const terms = [own?.select, ...constraints.map((one) => (one.kind === 'label' ? one.term : undefined))]
  const select = [...new Set(terms.filter((term) => term !== undefined))].join(',')
  checkHosts(drafts)
  const toHosts = (isExcluded: boolean) =>
    constraints.flatMap((one: Constraint) =>
      one.kind === 'host' && one.isExcluded === isExcluded ? [one.name] : [],
    )
  return {
    select: select === '' ? null : select,
    hosts: [...new Set(toHosts(false))],
    excludedHosts: [...new Set(toHosts(true))],
    spread: own?.spread ?? placement ?? [],
    prefer: (own?.prefer ?? []).map(({ name, value }) => ({ label: name, points: value })),
    weights: {
      load: own?.weights?.load ?? DEFAULT_WEIGHTS.load,
      spread: own?.weights?.spread ?? DEFAULT_WEIGHTS.spread,
      affinity: own?.weights?.affinity ?? DEFAULT_WEIGHTS.affinity,
      preference: own?.weights?.preference ?? DEFAULT_WEIGHTS.preference,
    },
    maxPerHost: own?.max_per_host ?? (maxPerNode || null),
  }
}

/** One instance is on one host, so it cannot be asked to be on two. */
function checkHosts(drafts: readonly Draft[]): void {
  const names = new Set<string>()
  for (const { values, reader, place } of drafts)
    for (const one of values.deploy?.placement?.constraints ?? []) {
      if (one.kind !== 'host' || one.isExcluded) continue
      names.add(one.name)
      if (names.size > 1)
        reader
          .at('deploy')
          .at('placement')
          .at('constraints')
          .fault(values.places.deploy ?? place, 'asks for two hosts at once', 'name one host, or use a label')
    }
}

function toRollout(drafts: readonly Draft[], own: Rollcall['rollout']): ServiceGroup['rollout'] {
  const update = findOne(drafts, ['deploy', 'update_config'], ({ values }) => values.deploy?.update_config)
  const rollback = findOne(
    drafts,
    ['deploy', 'rollback_config'],
    ({ values }) => values.deploy?.rollback_config,
  )
  return {
    strategy: own?.strategy ?? 'auto',
    canary: own?.canary ?? 0,
    deadlineMs: own?.deadline ?? DEFAULT_DEADLINE_MS,
    isCritical: own?.critical ?? false,
    min: own?.min ?? null,
    max: own?.max ?? null,
    stopAfterFailures: own?.stop_after_failures ?? null,
    update: toUpdate(update, 'rollback'),
    rollback: toUpdate(rollback, 'pause'),
  }
}

const toUpdate = (
  values: Deploy['update_config'],
  onFailure: 'rollback' | 'pause',
): ServiceGroup['rollout']['update'] => ({
  parallelism: values?.parallelism ?? 1,
  delayMs: values?.delay ?? 0,
  onFailure: values?.failure_action ?? onFailure,
  monitorMs: values?.monitor ?? DEFAULT_MONITOR_MS,
  maxFailureRatio: values?.max_failure_ratio ?? 0,
  order: values?.order ?? null,
})

const toHeal = (values: Rollcall['heal']): ServiceGroup['heal'] => ({
  rebalance: values?.rebalance ?? 'suggest',
  window: values?.window ?? null,
})

const toMoves = (own: Rollcall | undefined): ServiceGroup['volumes'] =>
  (own?.volumes ?? []).map(({ name, value }) => ({ volume: name, move: value.move ?? 'stay' }))

function readerOf({ reader }: Draft, key: string): Reader {
  return reader.at('x-rollcall').at(key)
}

function checkFence(drafts: readonly Draft[], { fence }: ServiceGroup): void {
  for (const draft of drafts) {
    const own = draft.values['x-rollcall']
    const lease = own?.places.lease
    if (lease && fence !== 'lease')
      readerOf(draft, 'lease').fault(
        lease,
        'has no meaning without fence: lease',
        'add fence: lease, or remove it',
      )
    if (own?.places.last_resort && fence !== 'lease')
      readerOf(draft, 'last_resort').fault(
        own.places.last_resort,
        'has no meaning without fence: lease',
        'add fence: lease, or remove it',
      )
    if (own?.playbook !== undefined && own.unit === undefined && fence === 'lease' && own.places.fence)
      readerOf(draft, 'fence').fault(
        own.places.fence,
        'needs a unit that can be stopped',
        'add unit: NAME.service',
      )
  }
}

function checkVolumes(drafts: readonly Draft[], group: ServiceGroup): void {
  for (const draft of drafts) {
    const mounted = new Set(draft.values.volumes?.map(({ value }) => value.type === 'volume' && value.source))
    for (const { name, place, value } of draft.values['x-rollcall']?.volumes ?? []) {
      const reader = readerOf(draft, 'volumes').at(name)
      if (!mounted.has(name))
        reader.fault(place, 'is not a volume of this service', 'name a volume that it has under volumes')
      if (value.move === 'shared' && group.replicas === 1 && group.fence === 'none')
        reader.fault(
          place,
          'is shared, and nothing keeps two instances from writing to it at once',
          'say fence: lease or confirm; two writers can destroy it',
        )
    }
  }
}

/** Services of a group are on one host, where a port is there once. */
function checkPorts(drafts: readonly Draft[]): void {
  const seen: { name: string; published: number; protocol: string; hostIp: string | null }[] = []
  for (const { name, values, reader } of drafts)
    for (const { place, value } of values.ports?.value ?? []) {
      const { published, protocol, hostIp } = value
      if (published === null) continue
      const other = seen.find(
        (one) =>
          one.published === published &&
          one.protocol === protocol &&
          (one.hostIp === hostIp || one.hostIp === null || hostIp === null),
      )
      if (other)
        reader
          .at('ports')
          .fault(
            place,
            `is port ${published} of the host, which ${other.name} has already`,
            'choose another port, or leave it to Rollcall',
          )
      else seen.push({ name, published, protocol, hostIp })
    }
}
