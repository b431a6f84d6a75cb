import { join } from 'node:path'
import type { AgentParams, AgentResult } from '@rollcall/contracts/agent'
import {
  CredentialFile,
  CredentialsService,
  loadConfig,
  replaceFileDurably,
} from '../../../agent/test/fixtures/agent-parts.ts'
import { writeAgentConfig } from '../agent-config.ts'
import type { LoadAgent } from '../agents.ts'

/** Where simulated hosts keep what has to outlive their agents, and who may call them from the start. */
export interface HostDisks {
  folder: string
  serverPins: readonly string[]
}

/** The fault of an agent's life, decided before it begins. */
export interface Lifecycle {
  /** Asked before and after each write. */
  diesNow(): boolean
  onDeath(): void
  /** New credentials count, or another life has begun. */
  onChange(): void
}

class Died extends Error {}

/**
 * The credentials of one simulated agent while they are rotated: the agent's own code on files of its own, and a process that
 * may die before and after each write of one.
 */
export class KeptCredentials {
  readonly #path: string
  readonly #lifecycle: Lifecycle
  /** The service of this life alone. */
  #service!: CredentialsService

  private constructor(path: string, lifecycle: Lifecycle) {
    this.#path = path
    this.#lifecycle = lifecycle
  }

  static async open(agent: LoadAgent, disks: HostDisks, lifecycle: Lifecycle): Promise<KeptCredentials> {
    const path = await writeAgentConfig(join(disks.folder, agent.name), agent, disks.serverPins)
    const kept = new KeptCredentials(path, lifecycle)
    await kept.#live()
    return kept
  }

  get slots() {
    return this.#service.slots
  }

  get present() {
    return this.#service.present
  }

  get staged() {
    return this.#service.staged
  }

  noteUse(slot: CredentialsService['slots'][number]): void {
    this.#service.noteUse(slot)
  }

  async stage({
    rotation_id,
    credentials,
  }: AgentParams<'stage_credentials'>): Promise<AgentResult<'stage_credentials'>> {
    return { rotation_id, status: await this.#orDie(this.#service.stage(rotation_id, credentials)) }
  }

  async commit({
    rotation_id,
  }: AgentParams<'commit_credentials'>): Promise<AgentResult<'commit_credentials'>> {
    await this.#orDie(this.#service.commit(rotation_id))
    return { rotation_id, status: 'committed' }
  }

  /** As the agent starts: what the disk holds, and the end of a commit that was broken off. It may die over that as well. */
  async #live(): Promise<void> {
    for (;;) {
      // Whoever has died writes nothing any more.
      let isOver = false
      const liveOn = () => {
        isOver ||= this.#lifecycle.diesNow()
        if (isOver) throw new Died()
      }
      const file = new CredentialFile(this.#path, async (path, text) => {
        liveOn()
        await replaceFileDurably(path, text)
        liveOn()
      })
      const loaded = loadConfig(this.#path)
      try {
        loaded.config = await file.finishCommit(loaded.config)
      } catch (error) {
        if (error instanceof Died) continue
        throw error
      }
      this.#service = new CredentialsService(loaded, file)
      this.#service.onChange = () => this.#lifecycle.onChange()
      this.#lifecycle.onChange()
      return
    }
  }

  /** Nobody is answered by a process that has died. */
  async #orDie<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof Died)) throw error
      this.#lifecycle.onDeath()
      await this.#live()
      return new Promise<never>(() => undefined)
    }
  }
}
