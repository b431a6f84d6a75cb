import type { HostState } from '@rollcall/contracts/admin'
import type { Api } from '../fleet/api.ts'
import { type ServerOptions, ServerProcess } from '../fleet/server-process.ts'
import { makeAgents } from './agents.ts'
import { LoadNamespace } from './namespace.ts'
import { ServerData } from './seed.ts'
import { Simulator } from './simulator/simulator.ts'

interface Options {
  agents: number
  /** How many of them the server knows from the start; all when it is left out. */
  seeded?: number
  state?: HostState
  /** Callers besides the server that the agents let in. */
  morePins?: readonly string[]
  server?: ServerOptions
  /** Cores for the server with its database, and for the simulator, as taskset writes them; any when left out. */
  cores?: { server: string; simulator: string }
  log?: (line: string) => void
}

const onCores = (cores: string | undefined) => (cores === undefined ? [] : ['taskset', '-c', cores])

/** A server that knows simulated agents, both in a namespace of their own. */
export class SimulatedSetting implements AsyncDisposable {
  readonly namespace: LoadNamespace
  readonly server: ServerProcess
  readonly simulator: Simulator
  readonly api: Api
  readonly #opened: AsyncDisposableStack

  private constructor(parts: {
    namespace: LoadNamespace
    server: ServerProcess
    simulator: Simulator
    api: Api
    opened: AsyncDisposableStack
  }) {
    this.namespace = parts.namespace
    this.server = parts.server
    this.simulator = parts.simulator
    this.api = parts.api
    this.#opened = parts.opened
  }

  static async open(options: Options): Promise<SimulatedSetting> {
    const { agents: count, state = 'online', cores, log } = options
    await using stack = new AsyncDisposableStack()
    const namespace = stack.use(await LoadNamespace.open(log))
    const server = stack.use(
      await ServerProcess.start({
        ...options.server,
        address: namespace.address,
        launcher: [...namespace.enter, ...onCores(cores?.server)],
      }),
    )
    const agents = makeAgents(count)
    await using data = await ServerData.open(server)
    const simulator = stack.use(
      await Simulator.start({
        namespace,
        agents,
        serverPins: [await data.serverPin(), ...(options.morePins ?? [])],
        launcher: onCores(cores?.simulator),
      }),
    )
    await data.seed(agents.slice(0, options.seeded), { state })
    return new SimulatedSetting({
      namespace,
      server,
      simulator,
      api: await server.api(),
      opened: stack.move(),
    })
  }

  /** Makes further agents known to the server. */
  async seed(from: number, to: number, state: HostState = 'online'): Promise<void> {
    await using data = await ServerData.open(this.server)
    await data.seed(this.simulator.agents.slice(from, to), { state })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}
