import { sanitizeText } from '@rollcall/contracts'
import type { CommandResult } from '@rollcall/contracts/agent'
import type { CommandPaths } from '../commands/spool-paths.ts'
import type { SpecRecord } from '../commands/spool-records.ts'
import type { Clock } from '../platform/clock.ts'
import type { Fifos } from '../platform/fifos.ts'
import { signalGroup, signalStartedGroup } from '../platform/processes.ts'
import { childEnvironment, readLogin } from './child-environment.ts'
import {
  decideEnding,
  type EndingCause,
  type EndingView,
  type ProgramExit,
  signalName,
  startFailure,
  toResult,
} from './ending.ts'
import { InputPump } from './input-pump.ts'
import { COMMAND_VARIABLE } from './left-behind.ts'
import type { OutputSpool } from './output-spool.ts'
import { type Program, type ProgramEvents, startOnPipes, startOnTerminal } from './program.ts'
import { resolveProgram } from './resolve-program.ts'

/** How long output is awaited after the program has exited, while something that it left behind holds its pipes. */
const DRAIN_MS = 1000
/** How often a group that was told to end is looked at once its leader has gone: the kernel tells nobody. */
const GROUP_CHECK_MS = 100
/** After KILL a group is waited for no longer than this; what is left then is stuck in the kernel. */
const KILLED_WAIT_MS = 2000

interface Parts {
  spec: SpecRecord
  paths: CommandPaths
  output: OutputSpool
  fifos: Fifos
  clock: Clock
  /** Told once the program runs. */
  onStarted(pid: number): void
  /** Told when its standard input cannot be read from the spool. */
  onInputFault(error: unknown): void
  /** Asked when a command that was told to end has ended: what it left running, in words, or null. */
  whatIsLeft(leader: number): string | null
  /** Told once, when everything is known that will be. */
  onEnded(result: CommandResult): void
  /** Told after `onEnded`, when the last holder of the pipes has let go. */
  onReleased(): void
}

/** One program from its start to its end. */
export class RunningCommand {
  readonly #parts: Parts
  readonly #startedAtMs: number
  readonly #view: EndingView
  #program: Program | null = null
  #input: InputPump | null = null
  #exit: ProgramExit | null = null
  #isOutputOver = false
  #isDraining = false
  #isFinal = false
  #isReleased = false
  #timer: { cancel(): void } | undefined
  #killedMs = Number.POSITIVE_INFINITY

  constructor(parts: Parts) {
    this.#parts = parts
    this.#startedAtMs = parts.clock.epochMs()
    this.#view = {
      startedMs: parts.clock.monotonicMs(),
      timeoutMs: parts.spec.params.timeout * 1000,
      ending: null,
      wasKilled: false,
      requested: null,
    }
  }

  async start(): Promise<void> {
    const { params } = this.#parts.spec
    const login = readLogin()
    const given = { [COMMAND_VARIABLE]: params.command_id, ...params.env }
    const env = childEnvironment(login, given, params.tty)
    const resolved = resolveProgram(params.command, params.cwd, env.PATH ?? '')
    if ('returnCode' in resolved) return this.#failToStart(resolved.returnCode, resolved.message)
    const events: ProgramEvents = {
      onData: (type, data) => {
        if (!this.#isFinal) this.#parts.output.push(type, data)
      },
      onOutputEnd: () => this.#outputOver(),
      onExit: (exit) => this.#exited(exit),
      onStartFailure: (error) => this.#failToStart(126, startMessage(params.command, error)),
    }
    const start = { path: resolved.path, env, umask: login.umask, params }
    try {
      this.#program = params.tty
        ? await startOnTerminal(start, events, signalName)
        : startOnPipes(start, this.#parts.fifos, events)
    } catch (error) {
      return this.#failToStart(126, startMessage(params.command, error as NodeJS.ErrnoException))
    }
    if (this.#program === null) return
    this.#parts.onStarted(this.#program.pid)
    if (params.stdin || params.tty) {
      this.#input = new InputPump(this.#parts.paths, this.#program, this.#parts.onInputFault)
      this.#input.pump()
    }
    this.#steer()
  }

  /** Asks it to end. The first cause stands. */
  end(cause: EndingCause): void {
    this.#view.requested ??= cause
    this.#steer()
  }

  inputArrived(): void {
    this.#input?.pump()
  }

  resize(columns: number, rows: number): void {
    if (this.#exit === null) this.#program?.resize(columns, rows)
  }

  /** Does what is due, and sets the timer for what is due next. */
  #steer(): void {
    if (this.#program === null || this.#isFinal) return
    // It exited of its own accord: there is nothing to end, and the timer is the one that ends the wait for its output.
    if (this.#exit !== null && this.#view.ending === null) return
    this.#timer?.cancel()
    const now = this.#parts.clock.monotonicMs()
    const decision = decideEnding(this.#view, now)
    if (decision.kind === 'term') {
      this.#view.ending = { cause: decision.cause, sinceMs: now }
      this.#signal('SIGTERM')
      // A stopped process does not see TERM before it goes on.
      this.#signal('SIGCONT')
    } else if (decision.kind === 'kill') {
      this.#view.wasKilled = true
      this.#killedMs = now
      this.#signal('SIGKILL')
    }
    if (this.#exit !== null) this.#awaitGroup(this.#program.pid, now)
    else if (decision.kind !== 'wait') this.#steer()
    else if (decision.inMs !== null) this.#timer = this.#parts.clock.after(decision.inMs, () => this.#steer())
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#program === null) return
    // Once the leader has been collected its number is only good for as long as its group lives.
    if (this.#exit === null) signalStartedGroup(this.#program.pid, signal)
    else signalGroup(this.#program.pid, signal)
  }

  #exited(exit: ProgramExit): void {
    this.#exit = exit
    this.#timer?.cancel()
    if (this.#view.ending !== null) this.#steer()
    else this.#awaitOutput()
  }

  /** A command that was told to end is over when nothing of its group is left. */
  #awaitGroup(pgid: number, now: number): void {
    if (!signalGroup(pgid, 0) || now - this.#killedMs > KILLED_WAIT_MS) this.#awaitOutput()
    else this.#timer = this.#parts.clock.after(GROUP_CHECK_MS, () => this.#steer())
  }

  #awaitOutput(): void {
    this.#isDraining = true
    if (this.#isOutputOver) this.#finish()
    else this.#timer = this.#parts.clock.after(DRAIN_MS, () => this.#finish())
  }

  #outputOver(): void {
    this.#isOutputOver = true
    if (this.#isFinal) this.#release()
    else if (this.#isDraining) this.#finish()
  }

  #finish(): void {
    if (this.#exit === null) return
    const exit = this.#exit
    const cause = this.#view.ending?.cause ?? null
    const left = cause === null ? null : this.#parts.whatIsLeft(this.#program?.pid ?? 0)
    this.#conclude(() => toResult(exit, cause, this.#counts(this.#startedAtMs), left))
  }

  #failToStart(returnCode: 126 | 127, message: string): void {
    const text = sanitizeText(message, 1000)
    this.#isOutputOver = true
    this.#conclude(() => startFailure(returnCode, text, this.#counts(null)))
  }

  #conclude(result: () => CommandResult): void {
    if (this.#isFinal) return
    this.#timer?.cancel()
    this.#parts.output.finish()
    this.#isFinal = true
    this.#parts.onEnded(result())
    if (this.#isOutputOver) this.#release()
  }

  #release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#parts.onReleased()
  }

  #counts(startedAtMs: number | null) {
    const { kept, dropped } = this.#parts.output
    const { stdout, stderr } = kept
    // The time between the two is a duration: the wall clock may be set while a command runs.
    const ranMs = Math.round(this.#parts.clock.monotonicMs() - this.#view.startedMs)
    return {
      stdout,
      stderr,
      dropped,
      started_at_ms: startedAtMs,
      ended_at_ms: this.#startedAtMs + ranMs,
    }
  }
}

function startMessage(command: string, error: NodeJS.ErrnoException): string {
  const reasons: Record<string, string> = {
    ENOENT: 'its interpreter (the first line of the script, or the loader of the binary) is not on the host',
    ENOEXEC: 'it is not a program that this host can run',
    EACCES: 'it may not be executed',
    E2BIG: 'its arguments and environment are too long',
    EAGAIN: 'the host has no room for another process',
    ENOMEM: 'the host has no memory left',
  }
  return `${command} could not be started: ${reasons[error.code ?? ''] ?? error.message}.`
}
