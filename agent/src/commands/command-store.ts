import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { uuid } from '@rollcall/contracts'
import type { AgentLimits, AgentParams } from '@rollcall/contracts/agent'
import {
  createOnceDurably,
  errorCode,
  isDiskFault,
  replaceFileDurably,
  syncFolder,
} from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { identify, isAlive, type ProcessIdentity } from '../platform/processes.ts'
import { type CommandView, decideFromSpool, type SpoolDecision, withdrawnResult } from './command-state.ts'
import type { CommandPaths, SpoolPaths } from './spool-paths.ts'
import {
  readClaim,
  readExit,
  readSpec,
  type SpecRecord,
  type StartedRecord,
  spoolLimits,
} from './spool-records.ts'

/** Orders of commands kept at hand: most are asked about a few times within their first second, and an order never changes. */
const MAX_SPECS = 128
const MAX_SPEC_BYTES = 16 * 1024

export interface FoundCommand {
  paths: CommandPaths
  view: CommandView
  decision: SpoolDecision
}

/** The agent's side of the spool: knows which commands the host has, and keeps nothing of them in memory but ids and a few orders. */
export class CommandStore {
  readonly #paths: SpoolPaths
  readonly #bootId: string
  readonly #limits: AgentLimits
  readonly #log: Log
  /** Ids of which it was said that a record cannot be read. */
  readonly #unreadable = new Set<string>()
  /** Ids without a recorded end, as far as known; the spool is asked before it counts. */
  readonly #open = new Set<string>()
  readonly #specs = new Map<string, SpecRecord>()
  #count = 0

  constructor(paths: SpoolPaths, bootId: string, limits: AgentLimits, log: Log) {
    this.#paths = paths
    this.#bootId = bootId
    this.#limits = limits
    this.#log = log
    mkdirSync(paths.commands, { recursive: true, mode: 0o700 })
    for (const id of commandIds(paths)) {
      const found = this.find(id)
      if (found === null) this.#forgetFolder(id)
      else {
        this.#count++
        if (found.decision.kind !== 'final') this.#open.add(id)
      }
    }
  }

  /** Commands that the host keeps, ended ones included. */
  get count(): number {
    return this.#count
  }

  find(id: string): FoundCommand | null {
    const paths = this.#paths.command(id)
    const view = readView(paths, this.#specs.get(id))
    if (view === null) return null
    if (view.isUnreadable && !this.#unreadable.has(id)) {
      this.#unreadable.add(id)
      this.#log.error('command.record_unreadable', { id })
    }
    return { paths, view, decision: decideFromSpool(view, hostView(view, this.#bootId)) }
  }

  /** Ids of the commands that have not ended. */
  running(): string[] {
    for (const id of this.#open) {
      if (readExit(this.#paths.command(id)).record !== null) this.#open.delete(id)
    }
    return [...this.#open]
  }

  /** On the disk when it resolves: a host that loses power afterwards knows that it has had this id. */
  async accept(params: AgentParams<'execute_command'>, hash: string, nowMs: number): Promise<void> {
    const limits = spoolLimits.parse(this.#limits)
    const record: SpecRecord = { params, hash, limits, boot_id: this.#bootId, accepted_at_ms: nowMs }
    // Counted before anything is awaited: of those that come at once no more are taken than there is room for.
    this.#open.add(params.command_id)
    this.#count++
    try {
      const text = JSON.stringify(record)
      await this.#writeSpec(this.#paths.command(params.command_id), text)
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
      await syncFolder(this.#paths.commands)
    } catch (error) {
      rmSync(paths.folder, { recursive: true, force: true })
      throw error
    }
  }

  /**
   * Takes the claim to start a command away from every runner, if none has made it yet; on the disk when it resolves. The
   * claim alone says everything: without `exit.json`, which a crash in between would leave out, the command is as final.
   */
  async withdraw(id: string, nowMs: number): Promise<boolean> {
    const paths = this.#paths.command(id)
    const myself = identify(process.pid)
    if (myself === null) throw new Error('/proc does not show this process')
    const claim: StartedRecord = {
      runner: myself,
      started_at_ms: nowMs,
      program: null,
      withdrawn_at_ms: nowMs,
    }
    if (!(await createOnceDurably(paths.started, 'agent', JSON.stringify(claim)))) return false
    this.#open.delete(id)
    await replaceFileDurably(paths.exit, JSON.stringify(withdrawnResult(nowMs)))
    return true
  }

  remove(id: string): void {
    rmSync(this.#paths.command(id).folder, { recursive: true, force: true })
    this.#open.delete(id)
    this.#specs.delete(id)
    this.#unreadable.delete(id)
    this.#count--
  }

  // It was never wholly accepted. Should it stay, it is in nobody's way.
  #forgetFolder(id: string): void {
    try {
      rmSync(this.#paths.command(id).folder, { recursive: true })
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#log.error('command.folder_stays', { id, error: errorCode(error) })
    }
  }
}

/** Every command folder in the spool. */
export const commandIds = (paths: SpoolPaths): string[] =>
  readdirSync(paths.commands, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && uuid.safeParse(entry.name).success)
    .map((entry) => entry.name)

/**
 * Null for a folder whose command was never wholly accepted. `exit` is read last: what it says cannot change. `known` is the
 * order, where the caller has it already.
 */
export function readView(paths: CommandPaths, known?: SpecRecord): CommandView | null {
  const spec = known ? { record: known, isUnreadable: false } : readSpec(paths)
  if (spec.record === null && !spec.isUnreadable) return null
  const claim = readClaim(paths)
  const exit = readExit(paths)
  return {
    spec: spec.record,
    isClaimed: claim.isClaimed,
    started: claim.record,
    exit: exit.record,
    isUnreadable: [spec, claim, exit].some((reading) => reading.isUnreadable),
  }
}

/**
 * `myself` is given by a runner, which knows of a claim that is not its own that nobody else can be at it. The agent does not
 * know who made a claim without details, and must not take it for a loss.
 */
export function hostView(view: CommandView, bootId: string, myself: ProcessIdentity | null = null) {
  const runner = view.started?.runner
  if (runner === undefined) return { bootId, isRunnerAlive: myself === null }
  const isMe = runner.pid === myself?.pid && runner.start === myself.start
  return { bootId, isRunnerAlive: isMe || isAlive(runner) }
}
