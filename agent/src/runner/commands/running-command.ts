import { sanitizeText } from '@rollcall/contracts'
import type { CommandResult } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import type { CommandPaths } from '../../spool/spool-paths.ts'
import type { SpecRecord } from '../../spool/spool-records.ts'
import type { Fifos } from '../fifos.ts'
import type { OutputSpool } from '../output/output-spool.ts'
import { signalGroup, signalStartedGroup } from '../process-groups.ts'
import { resolveProgram } from '../resolve-program.ts'
import { childEnvironment, readLogin } from './child-environment.ts'
import {
  decideEnding,
  type EndingCause,
  type EndingView,
  type ProgramExit,
  startFailure,
  toResult,
  toSignalName,
} from './ending.ts'
import { InputPump } from './input-pump.ts'
import { COMMAND_VARIABLE } from './left-behind.ts'
import { type Program, type ProgramEvents, startOnPipes, startOnTerminal } from './program.ts'

/** How long output is awaited after the exit, while a process that was left behind holds the pipes. */
const DRAIN_MS = 1000
/** Interval between checks of a terminated group whose leader is gone: the kernel sends no event. */
const GROUP_CHECK_MS = 100
/** How long a group is awaited after KILL; a process that survives is stuck in the kernel. */
const KILLED_WAIT_MS = 2000

interface Parts {
  spec: SpecRecord
  paths: CommandPaths
  output: OutputSpool
  fifos: Fifos
  clock: Clock
  /** Called once the program runs. */
  onStarted(pid: number): void
  /** Called if its standard input cannot be read from the spool. */
  onInputFault(error: unknown): void
  /** Describes what a terminated command left running; null for nothing. */
  describeLeft(leader: number): string | null
  /** Called once, with the final result. */
  onEnded(result: CommandResult): void
  /** Called after `onEnded`, when the last pipe was closed. */
  onReleased(): void
}

/** Runs the program of a command from start to end. */
export class RunningCommand {
  readonly #startedAtMs: number
  readonly #view: EndingView
  #program: Program | null = null
  #input: InputPump | null = null
  #exit: ProgramExit | null = null
  #isOutputEnded = false
  #isDraining = false
  #isFinal = false
  #isReleased = false
  #timer: { cancel(): void } | undefined
  #killedMs = Number.POSITIVE_INFINITY

  constructor(private readonly parts: Parts) {
    this.#startedAtMs = parts.clock.epochMs()
    this.#view = {
      startedMs: parts.clock.monotonicMs(),
      timeoutMs: parts.spec.params.timeout * 1000,
      ending: null,
      wasKilled: false,
      requested: null,
    }
  }

  /** Starts the program. A failure is reported as the command's result. */
  async start(): Promise<void> {
    const { params } = this.parts.spec
    const login = readLogin()
    const given = { [COMMAND_VARIABLE]: params.command_id, ...params.env }
    const env = childEnvironment(login, given, params.tty)
    const resolved = resolveProgram(params.command, params.cwd, env.PATH ?? '')
    if ('returnCode' in resolved) return this.#failToStart(resolved.returnCode, resolved.message)
    const events: ProgramEvents = {
      onData: (type, data) => {
        if (!this.#isFinal) this.parts.output.push(type, data)
      },
      onOutputEnd: () => this.#handleOutputEnd(),
      onExit: (exit) => this.#handleExit(exit),
      onStartFailure: (error) => this.#failToStart(126, toStartMessage(params.command, error)),
    }
    const start = { path: resolved.path, env, umask: login.umask, params }
    try {
      this.#program = params.tty
        ? await startOnTerminal(start, events, toSignalName)
        : startOnPipes(start, this.parts.fifos, events)
    } catch (error) {
      return this.#failToStart(126, toStartMessage(params.command, error as NodeJS.ErrnoException))
    }
    if (this.#program === null) return
    this.parts.onStarted(this.#program.pid)
    if (params.stdin || params.tty) {
      this.#input = new InputPump(this.parts.paths, this.#program, this.parts.onInputFault)
      this.#input.pump()
    }
    this.#advance()
  }

  /** Ends the command. The first cause counts. */
  end(cause: EndingCause): void {
    this.#view.requested ??= cause
    this.#advance()
  }

  /** Passes new input to the program. */
  inputArrived(): void {
    this.#input?.pump()
  }

  resize(columns: number, rows: number): void {
    if (this.#exit === null) this.#program?.resize(columns, rows)
  }

  /** Carries out the decision that is due, and sets the timer for the next one. */
  #advance(): void {
    if (this.#program === null || this.#isFinal) return
    // It exited by itself: the timer is the one that ends the wait for its output.
    if (this.#exit !== null && this.#view.ending === null) return
    this.#timer?.cancel()
    const now = this.parts.clock.monotonicMs()
    const decision = decideEnding(this.#view, now)
    if (decision.kind === 'term') {
      this.#view.ending = { cause: decision.cause, sinceMs: now }
      this.#signal('SIGTERM')
      // A stopped process handles TERM only after CONT.
      this.#signal('SIGCONT')
    } else if (decision.kind === 'kill') {
      this.#view.wasKilled = true
      this.#killedMs = now
      this.#signal('SIGKILL')
    }
    if (this.#exit !== null) this.#awaitGroup(this.#program.pid, now)
    else if (decision.kind !== 'wait') this.#advance()
    else if (decision.inMs !== null)
      this.#timer = this.parts.clock.after(decision.inMs, () => this.#advance())
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#program === null) return
    // Once the leader was reaped, its pid is valid only while the group exists.
    if (this.#exit === null) signalStartedGroup(this.#program.pid, signal)
    else signalGroup(this.#program.pid, signal)
  }

  #handleExit(exit: ProgramExit): void {
    this.#exit = exit
    this.#timer?.cancel()
    if (this.#view.ending !== null) this.#advance()
    else this.#awaitOutput()
  }

  /** Waits for the group of a terminated command, which ends with its last member. */
  #awaitGroup(pgid: number, now: number): void {
    if (!signalGroup(pgid, 0) || now - this.#killedMs > KILLED_WAIT_MS) this.#awaitOutput()
    else this.#timer = this.parts.clock.after(GROUP_CHECK_MS, () => this.#advance())
  }

  #awaitOutput(): void {
    this.#isDraining = true
    if (this.#isOutputEnded) this.#finish()
    else this.#timer = this.parts.clock.after(DRAIN_MS, () => this.#finish())
  }

  #handleOutputEnd(): void {
    this.#isOutputEnded = true
    if (this.#isFinal) this.#release()
    else if (this.#isDraining) this.#finish()
  }

  #finish(): void {
    if (this.#exit === null) return
    const exit = this.#exit
    const cause = this.#view.ending?.cause ?? null
    const left = cause === null ? null : this.parts.describeLeft(this.#program?.pid ?? 0)
    this.#conclude(() => toResult(exit, cause, this.#counts(this.#startedAtMs), left))
  }

  #failToStart(returnCode: 126 | 127, message: string): void {
    const text = sanitizeText(message, 1000)
    this.#isOutputEnded = true
    this.#conclude(() => startFailure(returnCode, text, this.#counts(null)))
  }

  #conclude(result: () => CommandResult): void {
    if (this.#isFinal) return
    this.#timer?.cancel()
    this.parts.output.finish()
    this.#isFinal = true
    this.parts.onEnded(result())
    if (this.#isOutputEnded) this.#release()
  }

  #release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.parts.onReleased()
  }

  #counts(startedAtMs: number | null) {
    const { kept, dropped } = this.parts.output
    const { stdout, stderr } = kept
    // The difference is a duration: the wall clock may be changed while a command runs.
    const ranMs = Math.round(this.parts.clock.monotonicMs() - this.#view.startedMs)
    return {
      stdout,
      stderr,
      dropped,
      started_at_ms: startedAtMs,
      ended_at_ms: this.#startedAtMs + ranMs,
    }
  }
}

function toStartMessage(command: string, error: NodeJS.ErrnoException): string {
  const reasons: Record<string, string> = {
    ENOENT: 'its interpreter (the first line of the script, or the loader of the binary) is not on the host',
    ENOEXEC: 'it is not a program for this host',
    EACCES: 'permission denied',
    E2BIG: 'its arguments and environment are too long',
    EAGAIN: 'the host has reached its limit of processes',
    ENOMEM: 'the host is out of memory',
  }
  return `${command} could not be started: ${reasons[error.code ?? ''] ?? error.message}.`
}
