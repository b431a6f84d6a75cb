import type { Check } from './check.ts'
import type { PlacementContext } from './context.ts'
import { type ResourceName, toImageRoom } from './plan.ts'
import {
  CHOSEN_PORTS,
  FIRST_CHOSEN_PORT,
  isChosenPort,
  MAX_INSTANCES_OF_HOST,
  type PlacementRequest,
  type PortNumber,
} from './view.ts'

/** So many failures of one revision within this time keep it off a host. */
const MAX_FAILURES = 3
const FAILURE_WINDOW_MS = 600_000
const MIB = 1024 * 1024

/** Lists what is asked of a host in view of what is on it and was there. */
export function roomFilters(request: PlacementRequest, context: PlacementContext): Check[] {
  return [
    ...resourceCheck('memory', 'memoryBytes', toMib, request, context),
    ...resourceCheck('processor', 'milliCpus', toCpus, request, context),
    ...diskCheck(request, context),
    ...portChecks(request, context),
    ...volumeChecks(request, context),
    ...countCheck(request, context),
    hostCountCheck(context),
    ...failureCheck(request, context),
  ]
}

const toMib = (bytes: number) => `${Math.floor(bytes / MIB)} MiB`
const toCpus = (milliCpus: number) => `${milliCpus / 1000} CPU`

function resourceCheck(
  filter: 'memory' | 'processor',
  resource: ResourceName,
  toText: (amount: number) => string,
  { needs }: PlacementRequest,
  { plan }: PlacementContext,
): Check[] {
  const need = needs[resource]
  if (need <= 0) return []
  const { total, used, taken } = plan.resources[resource]
  return [
    {
      filter,
      detail: toText(need),
      fails: (at) => (total[at] as number) - (used[at] as number) - (taken[at] as number) < need,
      evidence: (at) => toText(plan.freeOf(resource, at)),
      rank: (at) => plan.freeOf(resource, at),
    },
  ]
}

function diskCheck({ images }: PlacementRequest, { plan }: PlacementContext): Check[] {
  const all = toImageRoom(images.reduce((sum, { bytes }) => sum + bytes, 0))
  // Of images that hosts pull the size is not known.
  if (all === 0) return []
  return [
    {
      filter: 'disk',
      detail: 'the image',
      fails: (at) => {
        const free = plan.freeDiskOf(at)
        // Most hosts have room for all of them, whichever they lack.
        if (all <= free) return false
        const missing = plan.missingImageBytes(at)
        return missing > 0 && missing > free
      },
      evidence: (at) => {
        const missing = plan.missingImageBytes(at)
        return missing === 0 ? null : `${toMib(plan.freeDiskOf(at))} of ${toMib(missing)}`
      },
      rank: (at) => plan.freeDiskOf(at),
    },
  ]
}

function portChecks(request: PlacementRequest, { plan }: PlacementContext): Check[] {
  const fixed = request.ports.filter((need): need is PortNumber => need.port !== null)
  return [
    ...fixed.map((port): Check => {
      const holders = plan.ports.holders(port)
      return {
        filter: 'ports',
        detail: `${port.protocol}/${port.port}`,
        fails: (at) => holders.has(at),
        evidence: (at) => holders.get(at) ?? 'free',
      }
    }),
    ...(['tcp', 'udp'] as const).flatMap((protocol) => chosenPortCheck(protocol, request, plan)),
  ]
}

function chosenPortCheck(
  protocol: PortNumber['protocol'],
  request: PlacementRequest,
  plan: PlacementContext['plan'],
): Check[] {
  const own = request.ports.filter((need) => need.protocol === protocol)
  const last = FIRST_CHOSEN_PORT + CHOSEN_PORTS - 1
  if (own.every(({ port }) => port !== null)) return []
  const needed = own.filter(({ port }) => port === null || isChosenPort(port)).length
  return [
    {
      filter: 'ports',
      detail: `${protocol}/${FIRST_CHOSEN_PORT}-${last}`,
      fails: (at) => !plan.ports.hasChosenLeft(protocol, at, needed),
      evidence: (at) => `${plan.ports.countChosenLeft(protocol, at)} free`,
    },
  ]
}

function volumeChecks({ volumes }: PlacementRequest, { fleet }: PlacementContext): Check[] {
  return volumes
    .filter(({ move, hosts }) => move === 'stay' && hosts.length > 0)
    .map(({ name, hosts }) => {
      const marks = fleet.mark(fleet.findAll(hosts))
      return { filter: 'volumes', detail: name, fails: (at) => marks[at] === 0 }
    })
}

function countCheck({ maxPerHost }: PlacementRequest, { plan }: PlacementContext): Check[] {
  if (maxPerHost === null) return []
  const { counts } = plan
  return [
    {
      filter: 'max_per_host',
      detail: String(maxPerHost),
      fails: (at) => (counts[at] as number) >= maxPerHost,
      evidence: (at) => String(counts[at]),
    },
  ]
}

function hostCountCheck({ plan: { allCounts } }: PlacementContext): Check {
  return {
    filter: 'instances',
    detail: String(MAX_INSTANCES_OF_HOST),
    fails: (at) => (allCounts[at] as number) >= MAX_INSTANCES_OF_HOST,
    evidence: (at) => String(allCounts[at]),
  }
}

function failureCheck({ failures }: PlacementRequest, { fleet, now }: PlacementContext): Check[] {
  const counts = new Map<number, number>()
  for (const { host, at } of failures) {
    const number = fleet.find(host)
    const isRecent = now.getTime() - at.getTime() <= FAILURE_WINDOW_MS
    if (number !== undefined && isRecent) counts.set(number, (counts.get(number) ?? 0) + 1)
  }
  if (counts.size === 0) return []
  return [
    {
      filter: 'failures',
      detail: `${MAX_FAILURES} times in ${FAILURE_WINDOW_MS / 60_000} min`,
      fails: (at) => (counts.get(at) ?? 0) >= MAX_FAILURES,
      evidence: (at) => String(counts.get(at) ?? 0),
    },
  ]
}
