import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadAgent } from '../agents.ts'
import type { LoadNamespace } from '../namespace.ts'
import type { Behaviour } from './behaviour.ts'
import { CallRecords } from './call-records.ts'
import type { Answers, Reply, Request, SimulatorState } from './messages.ts'

/** Hosts' disks are in memory: what is tried on them is the order of writes. */
const DISKS = '/dev/shm'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

interface Options {
  namespace: LoadNamespace
  agents: readonly LoadAgent[]
  /** The servers that may call. */
  serverPins: readonly string[]
  /** The command in front of the program, such as `['taskset', '-c', '1']`. */
  launcher?: readonly string[]
}

/** Up to ten thousand agents in one process of their own, in a namespace. It ends with us. */
export class Simulator implements AsyncDisposable {
  readonly agents: readonly LoadAgent[]
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #lastId = 0

  private constructor(child: ChildProcess, folder: string, agents: readonly LoadAgent[]) {
    this.#child = child
    this.#folder = folder
    this.agents = agents
    child.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply)
      this.#waiting.delete(reply.id)
    })
    child.on('exit', (code, signal) => {
      for (const [id, settle] of this.#waiting)
        settle({ id, error: `the simulator ended with ${signal ?? code}` })
      this.#waiting.clear()
    })
  }

  /** Resolves when every agent can be dialled. */
  static async start({ namespace, agents, serverPins, launcher = [] }: Options): Promise<Simulator> {
    const [program, ...args] = [...namespace.enter, ...launcher, process.execPath, MAIN]
    const child = spawn(program as string, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Typed arrays cross as they are.
      serialization: 'advanced',
    })
    await once(child, 'spawn')
    const folder = await mkdtemp(join(DISKS, 'rollcall-simulator-'))
    const simulator = new Simulator(child, folder, agents)
    try {
      await simulator.#ask({ op: 'play', agents: [...agents], disks: { folder, serverPins } })
      return simulator
    } catch (error) {
      await simulator[Symbol.asyncDispose]()
      throw error
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the simulator does not run')
    return this.#child.pid
  }

  /** Replaces how some agents, given by index, behave. Resolves when it is in force. */
  async behave(agents: Iterable<number>, behaviour: Behaviour): Promise<void> {
    await this.#ask({ op: 'behave', agents: [...agents], behaviour })
  }

  /** Indexes of a share of the agents, spread evenly over all of them. */
  share(share: number): number[] {
    const count = Math.round(this.agents.length * share)
    return Array.from({ length: count }, (_, i) => Math.floor((i * this.agents.length) / count))
  }

  /** Returns the calls since the start, or since `forget`. */
  async records(): Promise<CallRecords> {
    return new CallRecords(await this.#ask({ op: 'records' }))
  }

  async forget(): Promise<void> {
    await this.#ask({ op: 'forget' })
  }

  state(): Promise<SimulatorState> {
    return this.#ask({ op: 'state' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await ended
    }
    await rm(this.#folder, { recursive: true, force: true })
  }

  #ask<R extends Request>(request: R): Promise<Answers[R['op']]> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (reply) =>
        'error' in reply ? reject(new Error(reply.error)) : resolve(reply.value as Answers[R['op']]),
      )
      this.#child.send({ id, ...request }, (error) => {
        if (error && this.#waiting.delete(id)) reject(error)
      })
    })
  }
}
