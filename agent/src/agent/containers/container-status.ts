import { readFileSync, statSync } from 'node:fs'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { type AgentResult, type ContainerEngine, MAX_CONTAINERS } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import { errorCode, isDiskFault } from '../../platform/files.ts'
import type { Log } from '../../platform/log.ts'
import {
  type ContainerReport,
  containerReport,
  MAX_REPORT_BYTES,
  sortContainers,
} from '../../spool/container-report.ts'
import type { RunnerMessage } from '../../spool/runner-messages.ts'
import { type EnginesInUse, findEngines } from './engines-in-use.ts'
import { isScanDue } from './scan-decision.ts'

type ContainerFacts = Pick<AgentResult<'get_status'>, 'containers' | 'container_engines'>

interface Parts {
  /** The file in which the runner leaves its report. */
  path: string
  sendToRunner(message: RunnerMessage): void
  clock: Clock
  log: Log
  findEngines?: () => EnginesInUse
}

/** Identifies a version of the report file; empty when there is none. */
type Stamp = string

const NO_ANSWER = 'The runner on the host has not answered; it may be of an earlier release.'

/** Reports the containers that the runner saw last, and requests a new scan when one is due. Never waits for the scan. */
export class ContainerStatus {
  readonly #findEngines: () => EnginesInUse
  #requested: { atMs: number; signature: string; stamp: Stamp } | null = null
  /** Requests in a row that a runner accepted and has not answered. */
  #unanswered = 0
  #stamp: Stamp = ''
  #report: ContainerReport | null = null
  /** Why the latest request could not be sent. */
  #failure: string | null = null

  constructor(private readonly parts: Parts) {
    this.#findEngines = parts.findEngines ?? (() => findEngines())
  }

  read(): ContainerFacts {
    const inUse = this.#findEngines()
    if (inUse.names.length === 0) return { containers: [], container_engines: [] }
    this.#refreshReport()
    this.#requestScan(inUse)
    const reports = this.#report?.engines.filter(({ name }) => inUse.names.includes(name)) ?? []
    const observed = reports.filter((engine) => engine.observed_at_ms !== null)
    const silence = this.#unanswered > 1 ? NO_ANSWER : null
    return {
      containers:
        observed.length === 0
          ? null
          : sortContainers(observed.flatMap((engine) => engine.containers)).slice(0, MAX_CONTAINERS),
      container_engines: inUse.names.map((name): ContainerEngine => {
        const report = reports.find((engine) => engine.name === name)
        const { observed_at_ms, total } = report ?? { observed_at_ms: null, total: 0 }
        return { name, observed_at_ms, total, failure: this.#failure ?? report?.failure ?? silence }
      }),
    }
  }

  #requestScan({ names, signature }: EnginesInUse): void {
    const { clock, sendToRunner } = this.parts
    const nowMs = clock.monotonicMs()
    const engines = this.#report?.engines
    const view = {
      hasEngine: true,
      signature,
      requested: this.#requested,
      unanswered: this.#failure === null ? this.#unanswered : 1,
      report: this.#report && {
        tookMs: this.#report.took_ms,
        isEmpty: names.every((name) =>
          engines?.some((engine) => engine.name === name && engine.total === 0 && engine.failure === null),
        ),
      },
    }
    if (!isScanDue(view, nowMs)) return
    this.#requested = { atMs: nowMs, signature, stamp: this.#stamp }
    try {
      sendToRunner({ op: 'containers', engines: names })
      this.#unanswered++
      this.#failure = null
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#failure = sanitizeText(error.message, 500)
    }
  }

  /** Reads the report file again if it has changed. */
  #refreshReport(): void {
    const { path, log } = this.parts
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
    if (this.#report !== null && this.#requested !== null && this.#stamp !== this.#requested.stamp)
      this.#unanswered = 0
  }
}
