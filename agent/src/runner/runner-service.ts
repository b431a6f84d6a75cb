import { existsSync, rmSync, writeFileSync } from 'node:fs'
import type { CommandResult } from '@rollcall/contracts/agent'
import { decideFromSpool, lostResult } from '../commands/command-state.ts'
import { commandIds, hostView, readView } from '../commands/command-store.ts'
import { countStreams } from '../commands/log-reader.ts'
import type { CommandOrder } from '../commands/runner-orders.ts'
import type { CommandPaths, SpoolPaths } from '../commands/spool-paths.ts'
import { readClaim, type SpecRecord, type StartedRecord } from '../commands/spool-records.ts'
import type { Clock } from '../platform/clock.ts'
import type { Fifos } from '../platform/fifos.ts'
import {
  createOnceDurably,
  errorCode,
  isDiskFault,
  replaceFile,
  replaceFileDurably,
} from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { readOwnGroup, readVariable } from '../platform/process-table.ts'
import { identify, type ProcessIdentity, signalGroup } from '../platform/processes.ts'
import { startFailure } from './ending.ts'
import { COMMAND_VARIABLE, leftBehind, leftInWords } from './left-behind.ts'
import { openOutput } from './output-spool.ts'
import { RunningCommand } from './running-command.ts'
import type { SpoolBudget } from './spool-budget.ts'

/** What the disk did not take, or give, is tried again after this. */
const RETRY_MS = 1000
const RESERVE = Buffer.alloc(4096, ' ')

interface Parts {
  paths: SpoolPaths
  budget: SpoolBudget
  fifos: Fifos
  clock: Clock
  log: Log
  bootId: string
  myself: ProcessIdentity
  /** Told whenever work begins or ends. */
  onBusyChange(): void
}

/** Carries out the agent's orders. The spool is the truth: an order only says where to look. */
export class RunnerService {
  readonly #parts: Parts
  readonly #running = new Map<string, RunningCommand>()
  /** Commands that wait for the disk: their end is being recorded, or the spool could not be read. */
  readonly #pending = new Set<string>()
  /** The command since whose start no other has run; null for none. */
  #alone: string | null = null
  /** The programs that run, by their commands. */
  readonly #programs = new Map<string, ProcessIdentity>()
  /** Commands that have ended and whose pipes something still holds, or whose end is not yet on the disk. */
  #lingering = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get isBusy(): boolean {
    return this.#running.size + this.#lingering > 0
  }

  obey(order: CommandOrder): void {
    if (order.op === 'scan') this.scan()
    else if (order.op === 'start') this.#look(order.id)
    else if (order.op === 'cancel') this.#running.get(order.id)?.end('cancelled')
    else if (order.op === 'input') this.#running.get(order.id)?.inputArrived()
    else this.#running.get(order.id)?.resize(order.columns, order.rows)
  }

  /** Takes up every command that was accepted and not started, and records the loss of those whose runner is gone. */
  scan(): void {
    try {
      for (const id of commandIds(this.#parts.paths)) this.#look(id)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('runner.spool_unreadable', { error: errorCode(error) })
      this.#linger()
      this.#parts.clock.after(RETRY_MS, () => {
        this.scan()
        this.#rest()
      })
    }
  }

  /** Ends everything, for a runner that is being stopped. */
  endAll(): void {
    for (const command of this.#running.values()) command.end('lost')
  }

  // One command that cannot be looked at must not keep the others waiting, nor take those that run with it.
  #look(id: string): void {
    if (this.#running.has(id) || this.#pending.has(id)) return
    try {
      this.#takeUp(id)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('command.not_looked_at', { id, error: errorCode(error) })
      this.#pending.add(id)
      this.#linger()
      this.#parts.clock.after(RETRY_MS, () => {
        this.#pending.delete(id)
        this.#look(id)
        this.#rest()
      })
    }
  }

  #takeUp(id: string): void {
    const paths = this.#parts.paths.command(id)
    const view = readView(paths)
    if (view === null) return
    const decision = decideFromSpool(view, hostView(view, this.#parts.bootId, this.#parts.myself))
    if (decision.kind === 'startable' && view.spec !== null) this.#start(id, paths, view.spec)
    if (decision.kind === 'lost') {
      // With an end on record, readable or not, what is left is a daemon that may stay.
      if (!existsSync(paths.exit)) this.#killRemains(view.started)
      const result = lostResult(view, decision, this.#sizes(id, paths), this.#parts.clock.epochMs())
      const { reason } = decision
      if (view.isUnreadable) this.#parts.log.error('command.record_unreadable', { id })
      this.#parts.log.info('command.lost', { id, reason })
      this.#linger()
      this.#record(id, paths, result)
    }
  }

  #sizes(id: string, paths: CommandPaths): { stdout: number; stderr: number } {
    try {
      return countStreams(paths)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('command.output_unreadable', { id, error: errorCode(error) })
      return { stdout: 0, stderr: 0 }
    }
  }

  #start(id: string, paths: CommandPaths, spec: SpecRecord): void {
    const { myself, clock, log, budget, fifos } = this.#parts
    const started: StartedRecord = { runner: myself, started_at_ms: clock.epochMs(), program: null }
    const output = openOutput(id, paths, budget, spec.limits, clock.epochMs)
    const command = new RunningCommand({
      spec,
      paths,
      output,
      fifos,
      clock,
      onStarted: (pid) => {
        log.info('command.started', { id, pid })
        this.#noteProgram(id, paths, started, pid)
      },
      onInputFault: (error) => log.error('command.input_unreadable', { id, error: errorCode(error) }),
      whatIsLeft: (leader) => this.#whatIsLeft(id, leader),
      onEnded: (result) => {
        log.info('command.ended', {
          id,
          status: result.status,
          return_code: result.return_code,
          signal: result.signal,
        })
        this.#linger()
        this.#running.delete(id)
        this.#programs.delete(id)
        this.#record(id, paths, result)
      },
      onReleased: () => this.#rest(),
    })
    this.#alone = this.#running.size === 0 ? id : null
    // Known from here on: what is ordered meanwhile takes effect when it starts.
    this.#running.set(id, command)
    this.#linger()
    // Whoever creates this file may start the command; it is never started when it exists. It is on the disk first: a host
    // that loses power a moment later must not say that the command did not run.
    createOnceDurably(paths.started, 'runner', JSON.stringify(started)).then(
      (isMine) => {
        if (isMine) this.#begin(id, paths, command)
        else this.#dismiss(id)
      },
      (error: unknown) => {
        if (!isDiskFault(error)) throw error
        log.error('command.not_claimed', { id, error: errorCode(error) })
        this.#running.delete(id)
        this.#pending.add(id)
        void this.#failUnstarted(id, paths, started, errorCode(error))
      },
    )
  }

  #begin(id: string, paths: CommandPaths, command: RunningCommand): void {
    try {
      writeFileSync(paths.reserve, RESERVE, { mode: 0o600 })
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('command.no_room', { id, error: errorCode(error) })
    }
    void command.start()
  }

  /** The agent was faster and has taken it back. */
  #dismiss(id: string): void {
    this.#running.delete(id)
    this.#rest()
  }

  /**
   * A start that the disk does not take down is none: the command fails and is not tried again. It is claimed all the same,
   * as soon as the disk lets us, because the claim decides who may say how it ended.
   */
  async #failUnstarted(
    id: string,
    paths: CommandPaths,
    started: StartedRecord,
    fault: string,
  ): Promise<void> {
    const { clock } = this.#parts
    try {
      if (!readClaim(paths).isClaimed)
        await createOnceDurably(paths.started, 'runner', JSON.stringify(started))
      const isWithdrawn = readClaim(paths).record?.withdrawn_at_ms !== undefined
      if (isWithdrawn) {
        this.#settled(id)
        return
      }
    } catch (error) {
      if (!isDiskFault(error)) throw error
      // The agent removed the folder: nobody wants to know any more.
      if (errorCode(error) === 'ENOENT') this.#settled(id)
      else clock.after(RETRY_MS, () => void this.#failUnstarted(id, paths, started, fault))
      return
    }
    const message = `The disk of the host did not take down that the command starts (${fault}), so it was not started.`
    const counts = { stdout: 0, stderr: 0, dropped: 0, started_at_ms: null, ended_at_ms: clock.epochMs() }
    this.#record(id, paths, startFailure(null, message, counts))
  }

  /** Lets a later runner kill what this one leaves if it dies. The command runs on when the disk does not take it. */
  #noteProgram(id: string, paths: CommandPaths, started: StartedRecord, pid: number): void {
    const program = identify(pid)
    if (program !== null) this.#programs.set(id, program)
    try {
      replaceFile(paths.started, JSON.stringify({ ...started, program }))
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('command.program_not_noted', { id, error: errorCode(error) })
    }
  }

  #whatIsLeft(id: string, leader: number): string | null {
    const program = this.#programs.get(id)
    const group = readOwnGroup()
    // It had ended before it could be looked at, or the kernel does not list the group: nothing can be told.
    if (program?.pid !== leader || group === null) return null
    const others = [...this.#programs].filter(([other]) => other !== id)
    const left = leftBehind({
      ...group,
      commandId: id,
      leader: program,
      isAlone: this.#alone === id,
      runner: process.pid,
      otherLeaders: new Set(others.map(([, { pid }]) => pid)),
      toCommand: (pid) => readVariable(pid, COMMAND_VARIABLE),
    })
    if (left.length > 0) this.#parts.log.info('command.left_processes', { id, count: left.length })
    return leftInWords(left)
  }

  // The leader may be gone while members of its group live on. Its number cannot have been given away then: the kernel
  // keeps a number for as long as a group bears it. A living process with that number and another start is a stranger.
  #killRemains(started: StartedRecord | null): void {
    const program = started?.program
    if (!program) return
    const now = identify(program.pid)
    if (now !== null && now.start !== program.start) return
    if (signalGroup(program.pid, 'SIGKILL'))
      this.#parts.log.info('command.remains_killed', { pgid: program.pid })
  }

  /** Records the end, durably. A disk that does not take it first gets the reserve back, and is then asked again and again. */
  #record(id: string, paths: CommandPaths, result: CommandResult): void {
    this.#pending.add(id)
    replaceFileDurably(paths.exit, JSON.stringify(result)).then(
      () => {
        this.#giveUpReserve(id, paths)
        this.#settled(id)
      },
      (error: unknown) => {
        // The agent removed the folder: nobody wants to know any more.
        if (errorCode(error) === 'ENOENT') return this.#settled(id)
        this.#parts.log.error('command.end_not_recorded', { id, error: errorCode(error) })
        this.#giveUpReserve(id, paths)
        this.#parts.clock.after(RETRY_MS, () => this.#record(id, paths, result))
      },
    )
  }

  #giveUpReserve(id: string, paths: CommandPaths): void {
    try {
      rmSync(paths.reserve, { force: true })
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('command.reserve_stays', { id, error: errorCode(error) })
    }
  }

  /** Its end is on the disk, or nobody waits for it. */
  #settled(id: string): void {
    this.#pending.delete(id)
    this.#rest()
  }

  #linger(): void {
    this.#lingering++
    this.#parts.onBusyChange()
  }

  #rest(): void {
    this.#lingering--
    this.#parts.onBusyChange()
  }
}
