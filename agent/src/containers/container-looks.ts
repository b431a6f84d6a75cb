import { sanitizeText } from '@rollcall/contracts'
import type { ContainerEngineName } from '@rollcall/contracts/agent'
import { type Asked, ask } from '../platform/bounded-program.ts'
import type { Clock } from '../platform/clock.ts'
import { errorCode, isDiskFault, readIfThere, replaceFile } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { workerEnvironment } from '../runner/child-environment.ts'
import { resolveProgram } from '../runner/resolve-program.ts'
import { UnreadableAnswer } from './container-answers.ts'
import {
  type ContainerReport,
  containerReport,
  type EngineReport,
  type Look,
  toReport,
} from './container-report.ts'
import { ENGINE_ENVIRONMENT, ENGINE_QUESTIONS } from './engine-questions.ts'

const ANSWER_MS = 10_000
const MAX_ANSWER_BYTES = 1024 * 1024

interface Parts {
  /** The file of the report. */
  path: string
  clock: Clock
  log: Log
  /** Told whenever work begins or ends. */
  onBusyChange(): void
  /** Replaces the environment that the engines' programs are looked up and run in. */
  environment?: Record<string, string>
}

/** An engine's program could not be asked, or did not answer well. The message says which and why. */
class LookFailure extends Error {}

/** The runner's eyes on containers: asks the engines when told to, one at a time, and leaves a report for the agent. */
export class ContainerLooks {
  readonly #parts: Parts
  #isLooking = false
  #isStopped = false
  #asked: Asked | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get isBusy(): boolean {
    return this.#isLooking
  }

  /** Orders that come while a look is under way are met by it. */
  look(engines: readonly ContainerEngineName[]): void {
    if (this.#isLooking || this.#isStopped) return
    this.#isLooking = true
    this.#parts.onBusyChange()
    void this.#look(engines).finally(() => {
      this.#isLooking = false
      this.#parts.onBusyChange()
    })
  }

  /** For a runner that is being stopped: nothing that it asked outlives it. */
  stop(): void {
    this.#isStopped = true
    this.#asked?.kill()
  }

  async #look(names: readonly ContainerEngineName[]): Promise<void> {
    const { clock } = this.#parts
    const before = this.#read()
    const startedMs = clock.monotonicMs()
    const engines: EngineReport[] = []
    for (const name of names) {
      const look = await this.#ask(name)
      // What was killed so that the runner can leave has failed by our doing: the last report stands.
      if (this.#isStopped) return
      const last = before?.engines.find((engine) => engine.name === name)
      if ('failure' in look && look.failure !== last?.failure)
        this.#parts.log.error('containers.not_seen', { engine: name, reason: look.failure })
      engines.push(toReport(name, look, last, clock.epochMs()))
    }
    this.#write({ took_ms: clock.monotonicMs() - startedMs, engines })
    // A program that outlived KILL must not be joined by a second one.
    await this.#asked?.gone
  }

  async #ask(name: ContainerEngineName): Promise<Look> {
    const env = { ...(this.#parts.environment ?? workerEnvironment()), ...ENGINE_ENVIRONMENT[name] }
    try {
      return await ENGINE_QUESTIONS[name]((args, options) => this.#run(name, args, env, options?.tolerates))
    } catch (error) {
      if (error instanceof LookFailure) return { failure: error.message }
      if (error instanceof UnreadableAnswer)
        return { failure: sanitizeText(`${name} gave an answer that cannot be read: ${error.message}.`, 500) }
      // Nothing about containers may take the runner, and with it the commands, along.
      this.#parts.log.error('containers.defect', { engine: name, error: String((error as Error).stack) })
      return { failure: sanitizeText(`${name} could not be asked: ${(error as Error).message}`, 500) }
    }
  }

  async #run(
    name: string,
    args: readonly string[],
    env: Record<string, string>,
    tolerates?: RegExp,
  ): Promise<string> {
    const program = resolveProgram(name, '/', env.PATH ?? '')
    if (!('path' in program)) throw new LookFailure(sanitizeText(program.message, 500))
    const question = { path: program.path, args, env, timeoutMs: ANSWER_MS, mostBytes: MAX_ANSWER_BYTES }
    this.#asked = ask(question, this.#parts.clock)
    const answer = await this.#asked.answer
    if (answer.kind === 'failed') throw new LookFailure(`${name} ${answer.reason}.`)
    if (answer.code !== 0 && !tolerates?.test(answer.stderr)) {
      const words = lastLine(answer.stderr)
      throw new LookFailure(sanitizeText(`${name} ended with ${answer.code}${words && `: ${words}`}`, 500))
    }
    return answer.stdout
  }

  #read(): ContainerReport | null {
    try {
      const text = readIfThere(this.#parts.path)
      return text === null ? null : (containerReport.safeParse(JSON.parse(text)).data ?? null)
    } catch (error) {
      if (error instanceof SyntaxError || isDiskFault(error)) return null
      throw error
    }
  }

  #write(report: ContainerReport): void {
    try {
      replaceFile(this.#parts.path, JSON.stringify(report))
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('containers.not_written', { error: errorCode(error) })
    }
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
