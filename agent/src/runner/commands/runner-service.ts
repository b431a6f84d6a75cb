import { existsSync } from 'node:fs'
import type { CommandResult } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import {
  createOnceDurably,
  errorCode,
  isDiskFault,
  replaceFile,
  unlessDiskFault,
} from '../../platform/files.ts'
import type { Log } from '../../platform/log.ts'
import { identify, type ProcessIdentity } from '../../platform/processes.ts'
import { decideFromSpool, lostResult } from '../../spool/command-state.ts'
import { commandIds, readView, toHostView } from '../../spool/command-view.ts'
import { countStreams } from '../../spool/log-reader.ts'
import type { CommandMessage } from '../../spool/runner-messages.ts'
import type { CommandPaths, SpoolPaths } from '../../spool/spool-paths.ts'
import type { SpecRecord, StartedRecord } from '../../spool/spool-records.ts'
import type { Fifos } from '../fifos.ts'
import { openOutput } from '../output/output-spool.ts'
import type { SpoolBudget } from '../output/spool-budget.ts'
import { signalGroup } from '../process-groups.ts'
import { readOwnGroup, readVariable } from '../process-table.ts'
import { DISK_RETRY_MS, EndRecorder } from './end-recorder.ts'
import { COMMAND_VARIABLE, describeLeft, findLeftBehind } from './left-behind.ts'
import { RunningCommand } from './running-command.ts'

interface Parts {
  paths: SpoolPaths
  budget: SpoolBudget
  fifos: Fifos
  clock: Clock
  log: Log
  bootId: string
  myself: ProcessIdentity
  /** Called whenever work begins or ends. */
  onBusyChange(): void
}

/** Carries out the agent's messages. The spool is the truth: a message only says where to look. */
export class RunnerService {
  readonly #ends: EndRecorder
  readonly #running = new Map<string, RunningCommand>()
  /** Commands that wait for the disk: their end is being recorded, or the spool could not be read. */
  readonly #pending = new Set<string>()
  /** The command since whose start no other has run; null for none. */
  #alone: string | null = null
  /** The running programs, by their commands. */
  readonly #programs = new Map<string, ProcessIdentity>()
  /** Commands that have ended, but whose pipes are still open, or whose end is not yet on the disk. */
  #lingering = 0

  constructor(private readonly parts: Parts) {
    this.#ends = new EndRecorder(parts.clock, parts.log)
  }

  get isBusy(): boolean {
    return this.#running.size + this.#lingering > 0
  }

  handle(message: CommandMessage): void {
    if (message.op === 'scan') this.scan()
    else if (message.op === 'start') this.#inspect(message.id)
    else if (message.op === 'cancel') this.#running.get(message.id)?.end('cancelled')
    else if (message.op === 'input') this.#running.get(message.id)?.inputArrived()
    else this.#running.get(message.id)?.resize(message.columns, message.rows)
  }

  /** Starts every accepted command that was not started, and records the loss of those whose runner is gone. */
  scan(): void {
    try {
      for (const id of commandIds(this.parts.paths)) this.#inspect(id)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.parts.log.error('runner.spool_unreadable', { error: errorCode(error) })
      this.#retryLater(() => this.scan())
    }
  }

  /** Ends all commands, because the runner stops. */
  endAll(): void {
    for (const command of this.#running.values()) command.end('lost')
  }

  /** Adopts a command. A disk fault delays this command alone. */
  #inspect(id: string): void {
    if (this.#running.has(id) || this.#pending.has(id)) return
    unlessDiskFault(
      () => this.#adopt(id),
      (error) => {
        this.parts.log.error('command.not_inspected', { id, error })
        this.#pending.add(id)
        this.#retryLater(() => {
          this.#pending.delete(id)
          this.#inspect(id)
        })
      },
    )
  }

  /** Starts a command that may start, and records the end of a lost one. */
  #adopt(id: string): void {
    const paths = this.parts.paths.command(id)
    const view = readView(paths)
    if (view === null) return
    const decision = decideFromSpool(view, toHostView(view, this.parts.bootId, this.parts.myself))
    if (decision.kind === 'startable' && view.spec !== null) this.#start(id, paths, view.spec)
    if (decision.kind === 'lost') {
      // After a recorded end, readable or not, what is left is a daemon that may stay.
      if (!existsSync(paths.exit)) this.#killRemains(view.started)
      const result = lostResult(view, decision, this.#countStreams(id, paths), this.parts.clock.epochMs())
      const { reason } = decision
      if (view.isUnreadable) this.parts.log.error('command.record_unreadable', { id })
      this.parts.log.info('command.lost', { id, reason })
      this.#markBusy()
      this.#record(id, paths, result)
    }
  }

  #countStreams(id: string, paths: CommandPaths): { stdout: number; stderr: number } {
    return unlessDiskFault(
      () => countStreams(paths),
      (error) => {
        this.parts.log.error('command.output_unreadable', { id, error })
        return { stdout: 0, stderr: 0 }
      },
    )
  }

  #start(id: string, paths: CommandPaths, spec: SpecRecord): void {
    const { myself, clock, log } = this.parts
    const claim: StartedRecord = { runner: myself, started_at_ms: clock.epochMs(), program: null }
    const command = this.#createCommand(id, paths, spec, claim)
    this.#alone = this.#running.size === 0 ? id : null
    // Registered before the claim: messages that arrive meanwhile take effect when it starts.
    this.#running.set(id, command)
    this.#markBusy()
    // The creator of this file may start the command. It is durable first: after a power loss the host must not say that the
    // command did not run.
    createOnceDurably(paths.started, 'runner', JSON.stringify(claim)).then(
      (isOurs) => {
        if (!isOurs) return this.#dismiss(id)
        this.#ends.reserve(id, paths)
        void command.start()
      },
      (error: unknown) => {
        if (!isDiskFault(error)) throw error
        log.error('command.not_claimed', { id, error: errorCode(error) })
        this.#running.delete(id)
        this.#pending.add(id)
        void this.#ends.failUnstarted(id, paths, claim, errorCode(error)).then(() => this.#settle(id))
      },
    )
  }

  #createCommand(id: string, paths: CommandPaths, spec: SpecRecord, claim: StartedRecord): RunningCommand {
    const { clock, log, budget, fifos } = this.parts
    return new RunningCommand({
      spec,
      paths,
      output: openOutput(id, paths, budget, spec.limits, clock.epochMs),
      fifos,
      clock,
      onStarted: (pid) => {
        log.info('command.started', { id, pid })
        this.#recordProgram(id, paths, claim, pid)
      },
      onInputFault: (error) => log.error('command.input_unreadable', { id, error: errorCode(error) }),
      describeLeft: (leader) => this.#describeLeft(id, leader),
      onEnded: (result) => {
        const { status, return_code, signal } = result
        log.info('command.ended', { id, status, return_code, signal })
        this.#markBusy()
        this.#running.delete(id)
        this.#programs.delete(id)
        this.#record(id, paths, result)
      },
      onReleased: () => this.#markIdle(),
    })
  }

  /** Drops a command that the agent has withdrawn first. */
  #dismiss(id: string): void {
    this.#running.delete(id)
    this.#markIdle()
  }

  /** Records the program, so that a later runner can kill it if this one dies. The command runs on after a disk fault. */
  #recordProgram(id: string, paths: CommandPaths, claim: StartedRecord, pid: number): void {
    const program = identify(pid)
    if (program !== null) this.#programs.set(id, program)
    unlessDiskFault(
      () => replaceFile(paths.started, JSON.stringify({ ...claim, program })),
      (error) => this.parts.log.error('command.program_not_noted', { id, error }),
    )
  }

  #describeLeft(id: string, leader: number): string | null {
    const program = this.#programs.get(id)
    const group = readOwnGroup()
    // The program ended before it was identified, or the kernel does not list the group: nothing is known.
    if (program?.pid !== leader || group === null) return null
    const others = [...this.#programs].filter(([other]) => other !== id)
    const left = findLeftBehind({
      ...group,
      commandId: id,
      leader: program,
      isAlone: this.#alone === id,
      runner: process.pid,
      otherLeaders: new Set(others.map(([, { pid }]) => pid)),
      toCommand: (pid) => readVariable(pid, COMMAND_VARIABLE),
    })
    if (left.length > 0) this.parts.log.info('command.left_processes', { id, count: left.length })
    return describeLeft(left)
  }

  // The leader may be gone while members of its group live on; the kernel keeps its pid as long as the group exists. A process with
  // that pid and another start time is a stranger.
  #killRemains(started: StartedRecord | null): void {
    const program = started?.program
    if (!program) return
    const now = identify(program.pid)
    if (now !== null && now.start !== program.start) return
    if (signalGroup(program.pid, 'SIGKILL'))
      this.parts.log.info('command.remains_killed', { pgid: program.pid })
  }

  #record(id: string, paths: CommandPaths, result: CommandResult): void {
    this.#pending.add(id)
    void this.#ends.record(id, paths, result).then(() => this.#settle(id))
  }

  /** Marks a command as done: its end is on the disk, or it was removed. */
  #settle(id: string): void {
    this.#pending.delete(id)
    this.#markIdle()
  }

  #retryLater(action: () => void): void {
    this.#markBusy()
    this.parts.clock.after(DISK_RETRY_MS, () => {
      action()
      this.#markIdle()
    })
  }

  #markBusy(): void {
    this.#lingering++
    this.parts.onBusyChange()
  }

  #markIdle(): void {
    this.#lingering--
    this.parts.onBusyChange()
  }
}
