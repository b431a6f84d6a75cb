import type { AgentView, CommandView, HostEvent, HostState, HostStatus } from '@rollcall/contracts/admin'
import { poll } from '../bed/poll.ts'
import type { Api } from './api.ts'

/** A machine that is busy with tests may be hot for long: its hosts answer, and that is what is asked here. */
const HOT = new Set<string | null>(['host.cpu_high', 'host.memory_high'])
const stateOf = (state: HostEvent['to'], code: string | null) =>
  state === 'degraded' && HOT.has(code) ? 'online' : state

/** The state of hosts by a server's heartbeats, as a program requests it. */
export class Roll {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  async agents(): Promise<AgentView[]> {
    return (await this.#api.call('listAgents')).agents
  }

  status(host: string): Promise<HostStatus> {
    return this.#api.call('hostStatus', { params: { host } })
  }

  /** Oldest first. */
  async history(host: string): Promise<HostEvent[]> {
    const { events } = await this.#api.call('hostHistory', { params: { host } })
    return events.reverse()
  }

  /** The states that a host has been in, one after the other. */
  async states(host: string): Promise<string[]> {
    const states = (await this.history(host)).map(({ to, code }) => stateOf(to, code))
    return states.filter((state, at) => state !== states[at - 1])
  }

  /** Waits until a host is in a state, and returns the event that tells of it. */
  async until(host: string, wanted: HostState, timeoutMs: number): Promise<HostEvent> {
    const seen = async () => {
      const { state, stateCode } = await this.status(host)
      return stateOf(state, stateCode) === wanted
    }
    await poll(seen, { timeoutMs, everyMs: 200, what: `${host} to be ${wanted}` }).catch(async (error) => {
      const lines = (await this.history(host)).map(({ at, to, reason }) => `${at} ${to}: ${reason}`)
      throw new Error([error.message, ...lines].join('\n'))
    })
    const event = (await this.history(host)).findLast(({ to, code }) => stateOf(to, code) === wanted)
    if (!event) throw new Error(`${host} is ${wanted} and its history does not say so`)
    return event
  }

  /** Installations of a host that nobody asked for. */
  async reinstallations(host: string): Promise<CommandView[]> {
    const { commands } = await this.#api.call('listCommands', { query: { host, kind: 'install' } })
    return commands.filter(({ requestedBy }) => requestedBy === 'rollcall')
  }

  /** Installs the agent again, as a person does who has seen what is wrong. */
  async install(host: string): Promise<void> {
    const { commandId } = await this.#api.call('installHost', { params: { host } })
    const { state } = await this.#api.ended(commandId)
    if (state !== 'success') throw new Error(await this.#api.text(commandId))
  }
}
