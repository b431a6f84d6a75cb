import type { InstancePort } from '@rollcall/contracts/admin'
import type { PlacementHost, Resources } from '../placement/view.ts'

/** The fleet as it will be once what was planned so far is done. Hosts that nothing is planned for are those of the view. */
export class DraftFleet {
  readonly #hosts: Map<string, PlacementHost>

  constructor(fleet: readonly PlacementHost[]) {
    this.#hosts = new Map(fleet.map((host) => [host.id, host]))
  }

  hosts(): PlacementHost[] {
    return [...this.#hosts.values()]
  }

  find(id: string): PlacementHost | undefined {
    return this.#hosts.get(id)
  }

  /** Takes room and ports on a host for an instance. Ports that it has already stay its own. */
  take(hostId: string, needs: Resources, ports: readonly InstancePort[], holder: string): void {
    const host = this.#hosts.get(hostId)
    if (!host) return
    const own = new Set(ports.map(({ protocol, published }) => `${protocol}/${published}`))
    this.#hosts.set(hostId, {
      ...host,
      reserved: {
        milliCpus: host.reserved.milliCpus + needs.milliCpus,
        memoryBytes: host.reserved.memoryBytes + needs.memoryBytes,
      },
      ports: [
        ...host.ports.filter(({ protocol, port }) => !own.has(`${protocol}/${port}`)),
        ...ports.map(({ protocol, published }) => ({ protocol, port: published, holder })),
      ],
    })
  }
}
