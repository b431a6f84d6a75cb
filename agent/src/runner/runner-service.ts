import { rmSync, writeFileSync } from 'node:fs'
import type { CommandResult } from '@rollcall/contracts/agent'
import { type CommandView, decideFromSpool, lostResult } from '../commands/command-state.ts'
import { commandIds, hostView, readView } from '../commands/command-store.ts'
import { countStreams } from '../commands/log-reader.ts'
import type { RunnerOrder } from '../commands/runner-orders.ts'
import type { CommandPaths, SpoolPaths } from '../commands/spool-paths.ts'
import type { StartedRecord } from '../commands/spool-records.ts'
import type { Clock } from '../platform/clock.ts'
import type { Fifos } from '../platform/fifos.ts'
import { createOnce, errorCode, replaceFile, replaceFileDurably } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { identify, type ProcessIdentity, signalGroup } from '../platform/processes.ts'
import { openOutput } from './output-spool.ts'
import { RunningCommand } from './running-command.ts'
import type { SpoolBudget } from './spool-budget.ts'

const RETRY_RECORD_MS = 1000
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
  onBusyChange(isBusy: boolean): void
}

/** Carries out the agent's orders. The spool is the truth: an order only says where to look. */
export class RunnerService {
  readonly #parts: Parts
  readonly #running = new Map<string, RunningCommand>()
  /** Commands that have ended and whose pipes something still holds, or whose end is not yet on the disk. */
  #lingering = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get isBusy(): boolean {
    return this.#running.size + this.#lingering > 0
  }

  obey(order: RunnerOrder): void {
    if (order.op === 'scan') this.scan()
    else if (order.op === 'start') this.#look(order.id)
    else if (order.op === 'cancel') this.#running.get(order.id)?.end('cancelled')
    else if (order.op === 'input') this.#running.get(order.id)?.inputArrived()
    else this.#running.get(order.id)?.resize(order.columns, order.rows)
  }

  /** Takes up every command that was accepted and not started, and records the loss of those whose runner is gone. */
  scan(): void {
    for (const id of commandIds(this.#parts.paths)) this.#look(id)
  }

  /** Ends everything, for a runner that is being stopped. */
  endAll(): void {
    for (const command of this.#running.values()) command.end('lost')
  }

  #look(id: string): void {
    if (this.#running.has(id)) return
    const paths = this.#parts.paths.command(id)
    const view = readView(paths)
    if (view === null) return
    const decision = decideFromSpool(view, hostView(view, this.#parts.bootId, this.#parts.myself))
    if (decision.kind === 'startable') this.#start(id, paths, view)
    if (decision.kind === 'lost') {
      this.#killRemains(view.started)
      const result = lostResult(view, decision, countStreams(paths), this.#parts.clock.epochMs())
      this.#parts.log.info('command.lost', { id, reason: decision.reason })
      this.#lingering++
      this.#record(id, paths, result)
    }
  }

  #start(id: string, paths: CommandPaths, view: CommandView): void {
    const { myself, clock, log, budget, fifos } = this.#parts
    const started: StartedRecord = { runner: myself, started_at_ms: clock.epochMs(), program: null }
    try {
      // Whoever creates this file starts the command; it is never started when it exists.
      if (!createOnce(paths.started, JSON.stringify(started))) return
      writeFileSync(paths.reserve, RESERVE, { mode: 0o600 })
    } catch (error) {
      if (!['ENOSPC', 'EDQUOT'].includes(errorCode(error))) throw error
      log.error('command.no_room', { id })
    }
    const output = openOutput(id, paths, budget, view.spec.limits, clock.epochMs)
    const command = new RunningCommand({
      spec: view.spec,
      paths,
      output,
      fifos,
      clock,
      onStarted: (pid) => {
        log.info('command.started', { id, pid })
        this.#noteProgram(paths, { ...started, program: identify(pid) })
      },
      onEnded: (result) => {
        log.info('command.ended', {
          id,
          status: result.status,
          return_code: result.return_code,
          signal: result.signal,
        })
        this.#lingering++
        this.#running.delete(id)
        this.#record(id, paths, result)
      },
      onReleased: () => this.#rest(),
    })
    this.#running.set(id, command)
    this.#lingering++
    this.#parts.onBusyChange(true)
    void command.start()
  }

  /** Lets a later runner kill what this one leaves if it dies. Without room on the disk the command runs all the same. */
  #noteProgram(paths: CommandPaths, started: StartedRecord): void {
    try {
      replaceFile(paths.started, JSON.stringify(started))
    } catch (error) {
      if (!['ENOSPC', 'EDQUOT'].includes(errorCode(error))) throw error
      this.#parts.log.error('command.no_room', { file: paths.started })
    }
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

  /** Records the end, durably. A full disk first gives up the reserve, and then tries again until there is room. */
  #record(id: string, paths: CommandPaths, result: CommandResult): void {
    replaceFileDurably(paths.exit, JSON.stringify(result)).then(
      () => {
        rmSync(paths.reserve, { force: true })
        this.#rest()
      },
      (error: unknown) => {
        // The agent removed the folder: nobody wants to know any more.
        if (errorCode(error) === 'ENOENT') return this.#rest()
        this.#parts.log.error('command.end_not_recorded', { id, error: errorCode(error) })
        rmSync(paths.reserve, { force: true })
        this.#parts.clock.after(RETRY_RECORD_MS, () => this.#record(id, paths, result))
      },
    )
  }

  #rest(): void {
    this.#lingering--
    this.#parts.onBusyChange(this.isBusy)
  }
}
