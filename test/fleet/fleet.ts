import type { NewHostInput, SshCredential } from '@rollcall/contracts/admin'
import { Bed, type Host, type HostRequest } from '../bed/index.ts'
import type { Api } from './api.ts'
import { keyCredential } from './credentials.ts'
import { type ServerOptions, ServerProcess } from './server-process.ts'
import { prepared } from './shared.ts'

const MAX_CONCURRENT_INSTALLATIONS = 4
const INSTALL_TIMEOUT_MS = 280_000

export interface FleetOptions {
  server?: ServerOptions
  /** Runs when the hosts are booted and nothing is installed on them. */
  prepare?: (hosts: Host[]) => Promise<void>
  /** Returns the fields that a host is added with, besides its name, address and the bed's key. */
  add?: (host: Host, index: number) => Partial<NewHostInput>
  /** For each installation. */
  timeoutMs?: number
}

/** Real hosts with an agent on each, and a server that has them in its fleet. Closing it ends the server, then the hosts. */
export class Fleet implements AsyncDisposable {
  readonly bed: Bed
  readonly hosts: Host[]
  readonly server: ServerProcess
  readonly api: Api
  readonly credential: SshCredential
  readonly #opened: AsyncDisposableStack

  private constructor(opened: AsyncDisposableStack, bed: Bed, server: ServerProcess, rest: FleetParts) {
    this.bed = bed
    this.hosts = rest.hosts
    this.server = server
    this.api = rest.api
    this.credential = rest.credential
    this.#opened = opened
  }

  /** Boots the hosts, starts a server and installs the agents. Throws with the log of an installation that failed. */
  static async open(name: string, requests: HostRequest[], options: FleetOptions = {}): Promise<Fleet> {
    await using opening = new AsyncDisposableStack()
    const bed = opening.use(await Bed.open({ name }))
    const booting = bed.boot(prepared(requests))
    // Awaited below; until then its failure must not end the process.
    booting.catch(() => undefined)
    const server = opening.use(await ServerProcess.start(options.server))
    const hosts = await booting
    await options.prepare?.(hosts)
    const api = await server.api()
    const credential = await keyCredential(bed)
    const fleet = new Fleet(opening.move(), bed, server, { hosts, api, credential })
    try {
      await fleet.#install(options)
    } catch (error) {
      await fleet[Symbol.asyncDispose]()
      throw error
    }
    return fleet
  }

  /** Finds a host by its name. Throws where the fleet has none of that name. */
  host(name: string): Host {
    const host = this.hosts.find((one) => one.name === name)
    if (!host) throw new Error(`the fleet has no host ${name}`)
    return host
  }

  /** Starts a program on a host. Returns the command's id. */
  async start(host: Host, program: string, ...args: string[]): Promise<string> {
    const [command] = await this.api.run({ hosts: [host.name], program, args })
    if (!command) throw new Error(`the run on ${host.name} has no command`)
    return command.id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }

  async #install({ add, timeoutMs = INSTALL_TIMEOUT_MS }: FleetOptions): Promise<void> {
    const waiting = [...this.hosts.entries()]
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, host] = next
        const { name, address } = host
        const request = { name, address, credential: this.credential, ...add?.(host, index) }
        const { id, state } = await this.api.addHost(request, timeoutMs)
        if (state !== 'success') throw new Error(`${name} is ${state}:\n${await this.api.text(id)}`)
      }
    }
    await Promise.all(Array.from({ length: MAX_CONCURRENT_INSTALLATIONS }, work))
  }
}

interface FleetParts {
  hosts: Host[]
  api: Api
  credential: SshCredential
}

/** Kills the agent's process, which its unit starts again. */
export const killAgent = (host: Host) =>
  host.exec(['systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'rollcall-agent.service'])
