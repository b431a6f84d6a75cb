import { createServer, type Server, type Socket } from 'node:net'
import type { LoadAgent } from '../agents.ts'
import { AgentConnection, type Stage } from './agent-connection.ts'
import { type Behaviour, type Fault, faultAt } from './behaviour.ts'
import { CallLog } from './call-log.ts'
import { PinReader } from './gate.ts'
import type { HostDisks } from './kept-credentials.ts'
import { RECORDED, type RecordedCalls, type SimulatorState } from './messages.ts'
import { PacketFilter } from './packet-filter.ts'
import { SimulatedAgent } from './simulated-agent.ts'

const LISTENER_PORT = 9000
const BACKLOG = 4096
const TICK_MS = 100
const SWEEP_MS = 5000
/** As the agent: how long a stranger is borne, and how long an open connection may be silent. */
const STRANGER_LIFE_MS = 10_000
const KEEP_ALIVE_MS = 120_000

/** Faults that the kernel has the main part in, and the set of addresses by which it is told. */
const KERNEL_FAULTS: Partial<Record<Fault, 'closed' | 'cut'>> = { closed: 'closed', cut: 'cut' }

/** All agents behind one listener, told apart by the address that was dialled. */
export class SimulatedFleet {
  readonly #agents: SimulatedAgent[] = []
  readonly #byAddress = new Map<string, SimulatedAgent>()
  readonly #flapping = new Set<SimulatedAgent>()
  readonly #filter: PacketFilter
  readonly #server: Server
  readonly #stage: Stage
  #accepted = 0
  #changing: Promise<void> = Promise.resolve()

  private constructor(filter: PacketFilter) {
    this.#filter = filter
    this.#stage = { log: new CallLog(), pins: new PinReader(), trusted: 0, requests: 0 }
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket))
  }

  /** Resolves when all of them can be dialled. */
  static async open(agents: readonly LoadAgent[], disks: HostDisks): Promise<SimulatedFleet> {
    const filter = await PacketFilter.open(LISTENER_PORT)
    const fleet = new SimulatedFleet(filter)
    fleet.#add(agents, disks)
    await filter.addDoors(agents)
    await new Promise<void>((resolve, reject) => {
      fleet.#server.once('error', reject)
      fleet.#server.listen({ port: LISTENER_PORT, host: '0.0.0.0', backlog: BACKLOG }, resolve)
    })
    setInterval(() => fleet.#tick(), TICK_MS)
    setInterval(() => fleet.#sweep(), SWEEP_MS)
    return fleet
  }

  /** Resolves when the new behaviour is in force. */
  async behave(indexes: readonly number[], behaviour: Behaviour): Promise<void> {
    const agents = indexes.map((index) => this.#agent(index))
    for (const agent of agents) {
      agent.behaviour = behaviour
      if (behaviour.flapping) this.#flapping.add(agent)
      else this.#flapping.delete(agent)
    }
    await this.#apply(agents)
  }

  records(): RecordedCalls {
    return this.#stage.log.read()
  }

  forget(): void {
    this.#stage.log.forget()
  }

  state(): SimulatorState {
    const { user, system } = process.cpuUsage()
    return {
      connections: this.#agents.reduce((sum, { connections }) => sum + connections.size, 0),
      trusted: this.#stage.trusted,
      accepted: this.#accepted,
      requests: this.#stage.requests,
      deaths: this.#agents.reduce((sum, { deaths }) => sum + deaths, 0),
      rssMb: process.memoryUsage.rss() / 1e6,
      cpuMs: (user + system) / 1000,
    }
  }

  #add(agents: readonly LoadAgent[], disks: HostDisks): void {
    for (const identity of agents) {
      const agent = new SimulatedAgent(this.#agents.length, identity, disks)
      this.#agents.push(agent)
      this.#byAddress.set(identity.address, agent)
    }
  }

  #agent(index: number): SimulatedAgent {
    const agent = this.#agents[index]
    if (!agent) throw new RangeError(`there is no agent ${index}, only ${this.#agents.length}`)
    return agent
  }

  #accept(raw: Socket): void {
    const agent = this.#byAddress.get(raw.localAddress ?? '')
    // Without one, the caller was gone before it was accepted: its address cannot be read any more.
    if (!agent) {
      raw.destroy()
      return
    }
    this.#accepted++
    this.#stage.log.add(agent.index, raw.remotePort ?? 0, RECORDED.connection)
    agent.whenAwake(() => {
      if (!raw.destroyed) new AgentConnection(raw, agent, this.#stage)
    })
  }

  #tick(): void {
    if (this.#flapping.size === 0) return
    const now = performance.now()
    const changed = [...this.#flapping].filter(
      (agent) => faultAt(agent.behaviour, agent.index, now) !== agent.fault,
    )
    if (changed.length > 0) this.#apply(changed).catch(failed)
  }

  /** Gives each agent the fault of this moment. One change after the other, so that the kernel and we agree. */
  #apply(agents: readonly SimulatedAgent[]): Promise<void> {
    const done = this.#changing.then(() => this.#change(agents))
    this.#changing = done.catch(() => undefined) // whoever asked for it is told
    return done
  }

  async #change(agents: readonly SimulatedAgent[]): Promise<void> {
    const now = performance.now()
    const edits = { add: { closed: [], cut: [] }, delete: { closed: [], cut: [] } } as Edits
    const changes = agents.map((agent) => ({ agent, fault: faultAt(agent.behaviour, agent.index, now) }))
    for (const { agent, fault } of changes) {
      if (fault === agent.fault) continue
      const before = agent.fault && KERNEL_FAULTS[agent.fault]
      const after = fault && KERNEL_FAULTS[fault]
      if (before) edits.delete[before].push(agent.identity.address)
      if (after) edits.add[after].push(agent.identity.address)
    }
    for (const set of ['closed', 'cut'] as const) {
      await this.#filter.set(set, edits.delete[set], false)
      await this.#filter.set(set, edits.add[set], true)
    }
    for (const { agent, fault } of changes) if (fault !== agent.fault) agent.become(fault)
  }

  #sweep(): void {
    const now = performance.now()
    for (const { connections } of this.#agents)
      for (const connection of connections) {
        const silentMs = now - connection.lastMs
        if (!connection.isTrusted && silentMs > STRANGER_LIFE_MS) connection.reset()
        else if (silentMs > KEEP_ALIVE_MS) connection.end()
      }
  }
}

type Edits = Record<'add' | 'delete', Record<'closed' | 'cut', string[]>>

/** Agents that no longer behave as they were told would make every figure wrong. */
function failed(error: unknown): never {
  console.error('the simulator failed:', error)
  process.exit(1)
}
