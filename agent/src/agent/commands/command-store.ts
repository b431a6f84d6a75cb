import { mkdirSync, rmSync } from 'node:fs'
import type { AgentLimits, AgentParams } from '@rollcall/contracts/agent'
import { createOnceDurably, replaceFileDurably, syncFolder, unlessDiskFault } from '../../platform/files.ts'
import type { Log } from '../../platform/log.ts'
import { identifyMyself } from '../../platform/processes.ts'
import {
  type CommandView,
  decideFromSpool,
  type SpoolDecision,
  withdrawnResult,
} from '../../spool/command-state.ts'
import { commandIds, readView, toHostView } from '../../spool/command-view.ts'
import type { CommandPaths, SpoolPaths } from '../../spool/spool-paths.ts'
import { readExit, type SpecRecord, type StartedRecord, spoolLimits } from '../../spool/spool-records.ts'

/** Cached specs: most commands are read a few times within their first second, and a spec never changes. */
const MAX_SPECS = 128
const MAX_SPEC_BYTES = 16 * 1024

export interface FoundCommand {
  paths: CommandPaths
  view: CommandView
  decision: SpoolDecision
}

/** The agent's access to the commands in the spool. Keeps only ids and a few specs in memory. */
export class CommandStore {
  /** Ids whose unreadable record was logged. */
  readonly #unreadable = new Set<string>()
  /** Ids without a recorded end so far; checked against the spool before use. */
  readonly #open = new Set<string>()
  readonly #specs = new Map<string, SpecRecord>()
  #count = 0

  constructor(
    private readonly paths: SpoolPaths,
    private readonly bootId: string,
    private readonly limits: AgentLimits,
    private readonly log: Log,
  ) {
    mkdirSync(paths.commands, { recursive: true, mode: 0o700 })
    for (const id of commandIds(paths)) {
      const found = this.find(id)
      if (found === null) this.#removeFolder(id)
      else {
        this.#count++
        if (found.decision.kind !== 'final') this.#open.add(id)
      }
    }
  }

  /** Commands that the host keeps, including ended ones. */
  get count(): number {
    return this.#count
  }

  /** Reads a command. Returns null if the host has never accepted it, or has removed it. */
  find(id: string): FoundCommand | null {
    const paths = this.paths.command(id)
    const view = readView(paths, this.#specs.get(id))
    if (view === null) return null
    if (view.isUnreadable && !this.#unreadable.has(id)) {
      this.#unreadable.add(id)
      this.log.error('command.record_unreadable', { id })
    }
    return { paths, view, decision: decideFromSpool(view, toHostView(view, this.bootId)) }
  }

  /** Lists the ids of the commands that have not ended. */
  running(): string[] {
    for (const id of this.#open) {
      if (readExit(this.paths.command(id)).record !== null) this.#open.delete(id)
    }
    return [...this.#open]
  }

  /** Records a command durably: the host knows its id even after a power loss. */
  async accept(params: AgentParams<'execute_command'>, hash: string, nowMs: number): Promise<void> {
    const limits = spoolLimits.parse(this.limits)
    const record: SpecRecord = { params, hash, limits, boot_id: this.bootId, accepted_at_ms: nowMs }
    // Counted before the first await, so that concurrent calls cannot exceed the limit.
    this.#open.add(params.command_id)
    this.#count++
    try {
      const text = JSON.stringify(record)
      await this.#writeSpec(this.paths.command(params.command_id), text)
      if (text.length <= MAX_SPEC_BYTES) this.#keepSpec(params.command_id, record)
    } catch (error) {
      this.#open.delete(params.command_id)
      this.#count--
      throw error
    }
  }

  #keepSpec(id: string, record: SpecRecord): void {
    const [oldest] = this.#specs.keys()
    if (oldest !== undefined && this.#specs.size >= MAX_SPECS) this.#specs.delete(oldest)
    this.#specs.set(id, record)
  }

  async #writeSpec(paths: CommandPaths, text: string): Promise<void> {
    mkdirSync(paths.folder, { mode: 0o700 })
    try {
      await replaceFileDurably(paths.spec, text)
      await syncFolder(this.paths.commands)
    } catch (error) {
      rmSync(paths.folder, { recursive: true, force: true })
      throw error
    }
  }

  /**
   * Claims a command durably so that no runner can start it. Returns false if it was claimed already. The claim alone is final: a crash
   * before `exit.json` is written changes nothing.
   */
  async withdraw(id: string, nowMs: number): Promise<boolean> {
    const paths = this.paths.command(id)
    const runner = identifyMyself()
    const claim: StartedRecord = { runner, started_at_ms: nowMs, program: null, withdrawn_at_ms: nowMs }
    if (!(await createOnceDurably(paths.started, 'agent', JSON.stringify(claim)))) return false
    this.#open.delete(id)
    await replaceFileDurably(paths.exit, JSON.stringify(withdrawnResult(nowMs)))
    return true
  }

  remove(id: string): void {
    rmSync(this.paths.command(id).folder, { recursive: true, force: true })
    this.#open.delete(id)
    this.#specs.delete(id)
    this.#unreadable.delete(id)
    this.#count--
  }

  // Its command was never fully accepted. A folder that cannot be removed does no harm.
  #removeFolder(id: string): void {
    unlessDiskFault(
      () => rmSync(this.paths.command(id).folder, { recursive: true }),
      (error) => this.log.error('command.folder_stays', { id, error }),
    )
  }
}
