import type { FleetColumns } from './fleet-columns.ts'
import { hashText, mixHashes } from './hash.ts'
import {
  CHOSEN_PORTS,
  FIRST_CHOSEN_PORT,
  isChosenPort,
  type PlacementRequest,
  type PortNumber,
  toInstanceName,
  toPortKey,
} from './view.ts'

type Holders = Map<number, string>

/** Which ports of which hosts are in use, those that this run has taken included. */
export class PortTable {
  readonly #fleet: FleetColumns
  /** By port, then by host. */
  readonly #taken = new Map<number, Holders>()
  readonly #holders = new Map<number, Holders>()
  /** How many of the ports to choose from this run has taken, by host. */
  readonly #chosen: Readonly<Record<PortNumber['protocol'], Uint16Array>>

  constructor(fleet: FleetColumns) {
    this.#fleet = fleet
    this.#chosen = { tcp: new Uint16Array(fleet.size), udp: new Uint16Array(fleet.size) }
  }

  /** Returns who has a port, by host. The map stays true as ports are taken. */
  holders(port: PortNumber): ReadonlyMap<number, string> {
    const key = toPortKey(port)
    let holders = this.#holders.get(key)
    if (!holders) {
      holders = new Map([...this.#fleet.portHolders(port), ...(this.#taken.get(key) ?? [])])
      this.#holders.set(key, holders)
    }
    return holders
  }

  /** Tells whether a host has so many ports left to choose. Few hosts use so many that they have to be counted. */
  hasChosenLeft(protocol: PortNumber['protocol'], at: number, needed: number): boolean {
    const atMost = (this.#fleet.portUses[at] as number) + (this.#chosen[protocol][at] as number)
    return atMost + needed <= CHOSEN_PORTS || needed <= this.countChosenLeft(protocol, at)
  }

  /** Counts the ports that a host has left to choose. */
  countChosenLeft(protocol: PortNumber['protocol'], at: number): number {
    return CHOSEN_PORTS - this.#fleet.countChosenPorts(protocol, at) - (this.#chosen[protocol][at] as number)
  }

  /** Takes a slot's ports on a host that has them, and returns them in the order of the request. */
  take(at: number, request: PlacementRequest, slot: number): PortNumber[] {
    const fixed = request.ports.filter((need): need is PortNumber => need.port !== null)
    for (const port of fixed) this.#set(at, port, toInstanceName(request.service, slot))
    return request.ports.map((need, index) => {
      if (need.port !== null) return { protocol: need.protocol, port: need.port }
      const port = this.#choose(at, need.protocol, mixHashes(hashText(request.service), slot * 64 + index))
      this.#set(at, port, toInstanceName(request.service, slot))
      return port
    })
  }

  /** Chooses the first free port from where the instance's name says, so that it gets the same port again if it can. */
  #choose(at: number, protocol: PortNumber['protocol'], hash: number): PortNumber {
    const used = new Set(this.#fleet.host(at).ports.map(toPortKey))
    for (let step = 0; step < CHOSEN_PORTS; step++) {
      const port = { protocol, port: FIRST_CHOSEN_PORT + ((hash + step) % CHOSEN_PORTS) }
      const key = toPortKey(port)
      if (!this.#taken.get(key)?.has(at) && !used.has(key)) return port
    }
    throw new RangeError(`${this.#fleet.host(at).name} has no ${protocol} port left to choose`)
  }

  #set(at: number, port: PortNumber, holder: string): void {
    const key = toPortKey(port)
    const holders = this.#taken.get(key) ?? new Map<number, string>()
    this.#taken.set(key, holders.set(at, holder))
    this.#holders.get(key)?.set(at, holder)
    const chosen = this.#chosen[port.protocol]
    if (isChosenPort(port.port)) chosen[at] = (chosen[at] as number) + 1
  }
}
