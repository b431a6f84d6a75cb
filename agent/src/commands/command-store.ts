import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { uuid } from '@rollcall/contracts'
import type { AgentLimits, AgentParams } from '@rollcall/contracts/agent'
import { replaceFileDurably, syncFolder } from '../platform/files.ts'
import { isAlive, type ProcessIdentity } from '../platform/processes.ts'
import { type CommandView, decideFromSpool, type SpoolDecision } from './command-state.ts'
import type { CommandPaths, SpoolPaths } from './spool-paths.ts'
import { readClaim, readExit, readSpec, type SpecRecord, spoolLimits } from './spool-records.ts'

export interface FoundCommand {
  paths: CommandPaths
  view: CommandView
  decision: SpoolDecision
}

/** The agent's side of the spool: knows which commands the host has, and keeps nothing of them in memory but ids. */
export class CommandStore {
  readonly #paths: SpoolPaths
  readonly #bootId: string
  readonly #limits: AgentLimits
  /** Ids without a recorded end, as far as known; the spool is asked before it counts. */
  readonly #open = new Set<string>()
  #count = 0

  constructor(paths: SpoolPaths, bootId: string, limits: AgentLimits) {
    this.#paths = paths
    this.#bootId = bootId
    this.#limits = limits
    mkdirSync(paths.commands, { recursive: true, mode: 0o700 })
    for (const id of commandIds(paths)) {
      const view = readView(paths.command(id))
      if (view === null) rmSync(paths.command(id).folder, { recursive: true })
      else {
        this.#count++
        if (view.exit === null) this.#open.add(id)
      }
    }
  }

  /** Commands that the host keeps, ended ones included. */
  get count(): number {
    return this.#count
  }

  find(id: string): FoundCommand | null {
    const paths = this.#paths.command(id)
    const view = readView(paths)
    if (view === null) return null
    return { paths, view, decision: decideFromSpool(view, hostView(view, this.#bootId)) }
  }

  /** Ids of the commands that have not ended. */
  running(): string[] {
    for (const id of this.#open) {
      if (readExit(this.#paths.command(id)) !== null) this.#open.delete(id)
    }
    return [...this.#open]
  }

  /** On the disk when it resolves: a host that loses power afterwards knows that it has had this id. */
  async accept(params: AgentParams<'execute_command'>, hash: string, nowMs: number): Promise<void> {
    const paths = this.#paths.command(params.command_id)
    const limits = spoolLimits.parse(this.#limits)
    const record: SpecRecord = { params, hash, limits, boot_id: this.#bootId, accepted_at_ms: nowMs }
    await mkdir(paths.folder, { mode: 0o700 })
    try {
      await replaceFileDurably(paths.spec, JSON.stringify(record))
      await syncFolder(this.#paths.commands)
    } catch (error) {
      await rm(paths.folder, { recursive: true, force: true })
      throw error
    }
    this.#open.add(params.command_id)
    this.#count++
  }

  async remove(id: string): Promise<void> {
    await rm(this.#paths.command(id).folder, { recursive: true, force: true })
    this.#open.delete(id)
    this.#count--
  }
}

/** Every command folder in the spool. */
export const commandIds = (paths: SpoolPaths): string[] =>
  readdirSync(paths.commands).filter((name) => uuid.safeParse(name).success)

/** Null for a folder whose command was never wholly accepted. `exit` is read last: what it says cannot change. */
export function readView(paths: CommandPaths): CommandView | null {
  const spec = readSpec(paths)
  if (spec === null) return null
  return { spec, ...readClaim(paths), exit: readExit(paths) }
}

/**
 * `myself` is given by a runner, which knows of a claim that is not its own that nobody else can be at it. The agent may see
 * a claim in the moment before it is filled in, and must not take that for a loss.
 */
export function hostView(view: CommandView, bootId: string, myself: ProcessIdentity | null = null) {
  const runner = view.started?.runner
  if (runner === undefined) return { bootId, isRunnerAlive: myself === null }
  const isMe = runner.pid === myself?.pid && runner.start === myself.start
  return { bootId, isRunnerAlive: isMe || isAlive(runner) }
}
