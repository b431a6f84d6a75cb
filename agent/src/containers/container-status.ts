import { readFileSync, statSync } from 'node:fs'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { type AgentResult, type ContainerEngine, MAX_CONTAINERS } from '@rollcall/contracts/agent'
import type { RunnerOrder } from '../commands/runner-orders.ts'
import type { Clock } from '../platform/clock.ts'
import { errorCode, isDiskFault } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { order } from './container-order.ts'
import { type ContainerReport, containerReport, MAX_REPORT_BYTES } from './container-report.ts'
import { type EnginesInUse, findEngines } from './engines.ts'
import { isLookDue } from './look-decision.ts'

type ContainerFacts = Pick<AgentResult<'get_status'>, 'containers' | 'container_engines'>

interface Parts {
  /** The file that the runner leaves its report in. */
  path: string
  tellRunner(order: RunnerOrder): void
  clock: Clock
  log: Log
  findEngines?: () => EnginesInUse
}

/** Another text means another report. */
type Stamp = string

const NO_ANSWER = 'The runner on the host has not answered; one of an earlier release may still be at work.'

/**
 * The agent's side of containers: tells what the runner has last seen, and has it look again when that is due. Never waits:
 * what is asked for now is told at the next call.
 */
export class ContainerStatus {
  readonly #parts: Parts
  readonly #findEngines: () => EnginesInUse
  #asked: { atMs: number; signature: string; stamp: Stamp } | null = null
  /** Orders in a row that a runner took and has not answered. */
  #unanswered = 0
  #stamp: Stamp = ''
  #report: ContainerReport | null = null
  /** Why the runner could not be told. */
  #failure: string | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    this.#findEngines = parts.findEngines ?? (() => findEngines())
  }

  read(): ContainerFacts {
    const inUse = this.#findEngines()
    if (inUse.names.length === 0) return { containers: [], container_engines: [] }
    this.#reread()
    this.#lookAgain(inUse)
    const reports = this.#report?.engines.filter(({ name }) => inUse.names.includes(name)) ?? []
    const observed = reports.filter((engine) => engine.observed_at_ms !== null)
    const silence = this.#unanswered > 1 ? NO_ANSWER : null
    return {
      containers:
        observed.length === 0
          ? null
          : order(observed.flatMap((engine) => engine.containers)).slice(0, MAX_CONTAINERS),
      container_engines: inUse.names.map((name): ContainerEngine => {
        const report = reports.find((engine) => engine.name === name)
        const { observed_at_ms, total } = report ?? { observed_at_ms: null, total: 0 }
        return { name, observed_at_ms, total, failure: this.#failure ?? report?.failure ?? silence }
      }),
    }
  }

  #lookAgain({ names, signature }: EnginesInUse): void {
    const { clock, tellRunner } = this.#parts
    const nowMs = clock.monotonicMs()
    const engines = this.#report?.engines
    const view = {
      hasEngine: true,
      signature,
      asked: this.#asked,
      unanswered: this.#failure === null ? this.#unanswered : 1,
      answer: this.#report && {
        tookMs: this.#report.took_ms,
        isEmpty: names.every((name) =>
          engines?.some((engine) => engine.name === name && engine.total === 0 && engine.failure === null),
        ),
      },
    }
    if (!isLookDue(view, nowMs)) return
    this.#asked = { atMs: nowMs, signature, stamp: this.#stamp }
    try {
      tellRunner({ op: 'containers', engines: names })
      this.#unanswered++
      this.#failure = null
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#failure = sanitizeText(error.message, 500)
    }
  }

  /** Takes the report up when it is another one than before. */
  #reread(): void {
    const { path, log } = this.#parts
    try {
      const stat = statSync(path, { throwIfNoEntry: false })
      const stamp = stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
      if (stamp === this.#stamp) return
      this.#stamp = stamp
      if (stat === undefined || stat.size > MAX_REPORT_BYTES) this.#report = null
      else this.#report = containerReport.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data ?? null
    } catch (error) {
      if (!(error instanceof SyntaxError) && !isDiskFault(error)) throw error
      log.error('containers.report_unreadable', { error: errorCode(error) || 'not JSON' })
      this.#report = null
    }
    if (this.#report !== null && this.#asked !== null && this.#stamp !== this.#asked.stamp)
      this.#unanswered = 0
  }
}
