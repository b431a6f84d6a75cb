import type { InstancePort } from '@rollcall/contracts/admin'
import type { Explanation } from '../placement/explanation.ts'
import { place } from '../placement/place.ts'
import { runToEnd } from '../placement/run-to-end.ts'
import {
  type PlacementHost,
  type PlacementRequest,
  type Resources,
  toInstanceName,
} from '../placement/view.ts'
import type { PlacedInstance, ResolvedService } from '../service.ts'
import { portNeedsOf } from './request.ts'

/** Where an instance stays, with its ports. */
export interface KeptPlace {
  ports: readonly InstancePort[]
  explanation: Explanation
}

/**
 * Tells whether an instance can stay on its host with what it is to run now. It moves if its host does not fit what the file asks for, not if
 * the host is silent for the moment. Returns null if it has to move.
 */
export function keepSlot(
  instance: PlacedInstance,
  host: PlacementHost,
  wanted: ResolvedService,
  request: PlacementRequest,
  before: Resources,
  now: Date,
): KeptPlace | null {
  const name = toInstanceName(request.service, instance.slot)
  const own = new Set(instance.ports.map(({ protocol, published }) => `${protocol}/${published}`))
  const asked: PlacementRequest = {
    ...request,
    slots: [instance.slot],
    needs: {
      milliCpus: Math.max(0, request.needs.milliCpus - before.milliCpus),
      memoryBytes: Math.max(0, request.needs.memoryBytes - before.memoryBytes),
    },
    ports: toPortNeeds(wanted, instance),
  }
  const calm: PlacementHost = {
    ...host,
    state: 'online',
    isDrained: false,
    settlesAt: null,
    instances: 0,
    engine: request.engines[0] ?? null,
    freeDiskBytes: host.state === 'online' ? host.freeDiskBytes : Number.MAX_SAFE_INTEGER,
    // Ports of its earlier orders are its own until the newest runs.
    ports: host.ports.filter(
      ({ protocol, port, holder }) => holder !== name && !own.has(`${protocol}/${port}`),
    ),
  }
  const [placement] = runToEnd(place([asked], [calm], now))
  if (!placement || placement.host === null) return null
  return { ports: toInstancePorts(wanted, placement.ports), explanation: placement.explanation }
}

/** Asks for the ports that were chosen before, each for the same port of the same container. */
function toPortNeeds(wanted: ResolvedService, { ports }: PlacedInstance): PlacementRequest['ports'] {
  const left = [...ports]
  return portNeedsOf(wanted).map(({ container, target, protocol, published }) => {
    if (published !== null) return { protocol, port: published }
    const at = left.findIndex(
      (one) => one.container === container && one.target === target && one.protocol === protocol,
    )
    return { protocol, port: left.splice(at, at < 0 ? 0 : 1)[0]?.published ?? null }
  })
}

/** Names what ports are for that placement has given in the order of the file. */
export function toInstancePorts(
  wanted: ResolvedService,
  given: readonly { protocol: 'tcp' | 'udp'; port: number }[],
): InstancePort[] {
  return portNeedsOf(wanted).flatMap(({ container, target, protocol, hostIp }, index) => {
    const port = given[index]?.port
    return port === undefined ? [] : [{ container, target, protocol, hostIp, published: port }]
  })
}
