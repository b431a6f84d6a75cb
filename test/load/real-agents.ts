import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Started } from '../../agent/test/fixtures/agent-host.ts'
import { raiseInotifyBound } from '../bed/requirements.ts'
import { writeAgentConfig } from './agent-config.ts'
import type { LoadAgent } from './agents.ts'
import type { LoadNamespace } from './namespace.ts'

/** Each start keeps a core busy for a quarter of a second; more at a time would only be slower each. */
const STARTS_AT_ONCE = 4
/** A unit's runner leaves after five minutes and is started again by its socket, which there is none of here. */
const RUNNER_IDLE_MS = 24 * 3600 * 1000

interface Options {
  namespace: LoadNamespace
  agents: readonly LoadAgent[]
  serverPins: readonly string[]
  /** The folder of an earlier release's programs, which knows nothing of signed requests; the built ones when it is left out. */
  earlier?: string
  log?: (line: string) => void
}

/**
 * The agent's own programs, one agent and one runner for each host, as plain processes with the flags and the environment
 * of the units, in a namespace. About 45 MB of private memory for each pair. They end with us.
 */
export class RealAgents implements AsyncDisposable {
  readonly #folder: string
  readonly #processes: Started[] = []

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Resolves when all of them listen. */
  static async start(options: Options): Promise<RealAgents> {
    await raiseInotifyBound(options.log)
    const started = new RealAgents(await mkdtemp(join(tmpdir(), 'rollcall-agents-')))
    const waiting = options.agents.values()
    const startSome = async () => {
      for (const agent of waiting) await started.#startOne(agent, options)
    }
    try {
      await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startSome))
      return started
    } catch (error) {
      await started[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Agents and runners, in no order. */
  get pids(): number[] {
    return this.#processes.map(({ child }) => child.pid).filter((pid) => pid !== undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #startOne(agent: LoadAgent, { namespace, serverPins, earlier }: Options): Promise<void> {
    const folder = join(this.#folder, agent.name)
    const config = await writeAgentConfig(join(folder, 'etc'), agent, serverPins, earlier === undefined)
    const places = ['--config', config, '--state', join(folder, 'state'), '--runtime', join(folder, 'run')]
    // Killed with this process, however that ends: two hundred agents that nobody knows of would be too many.
    const launcher = [...namespace.enter, 'setpriv', '--pdeathsig', 'KILL', '--']
    const start = (entry: 'agent' | 'runner', more: string[] = []) => {
      const process = new Started(entry, [...places, ...more], {}, launcher, earlier)
      this.#processes.push(process)
      return process
    }
    await start('runner', ['--idle-ms', String(RUNNER_IDLE_MS)]).says('runner.ready')
    await start('agent').says('agent.listening')
  }
}
