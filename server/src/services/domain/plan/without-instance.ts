import type { InstancePort } from '@rollcall/contracts/admin'
import type { PlacementHost } from '../placement/view.ts'
import { needsOf, type ServiceRevision } from '../service.ts'

/** Shows the fleet as if an instance were on none of its hosts: its room and ports are free. */
export function withoutInstance(
  fleet: readonly PlacementHost[],
  { hostId, ports }: { hostId: string | null; ports: readonly InstancePort[] },
  { definition }: Pick<ServiceRevision, 'definition'>,
): PlacementHost[] {
  const { milliCpus, memoryBytes } = needsOf(definition.group)
  const own = new Set(ports.map(({ protocol, published }) => `${protocol}/${published}`))
  return fleet.map((host) =>
    host.id === hostId
      ? {
          ...host,
          instances: Math.max(0, host.instances - 1),
          reserved: {
            milliCpus: Math.max(0, host.reserved.milliCpus - milliCpus),
            memoryBytes: Math.max(0, host.reserved.memoryBytes - memoryBytes),
          },
          ports: host.ports.filter(({ protocol, port }) => !own.has(`${protocol}/${port}`)),
        }
      : host,
  )
}
