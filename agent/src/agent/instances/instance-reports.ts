import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { AgentParams, AgentResult } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import { errorCode } from '../../platform/files.ts'
import type { Log } from '../../platform/log.ts'
import { waitForChange } from '../../spool/spool-watch.ts'
import { ReportFile } from './report-file.ts'

type Answer = AgentResult<'get_instances'>

const REPORT = 'report.json'
/** How often one call looks anew, should the warden's folder come and go. */
const MAX_ROUNDS = 100

interface Parts {
  /** Where the warden leaves its report; missing on a host without instances. */
  folder: string
  bootId: string
  clock: Clock
  log: Log
}

/** Reports the host's instances as the warden saw them last. The agent itself looks at none of them. */
export class InstanceReports {
  readonly #file: ReportFile
  #logged: string | null = null

  constructor(private readonly parts: Parts) {
    this.#file = new ReportFile(join(parts.folder, REPORT))
  }

  /** Returns the report, waiting up to `wait_ms` for one that is not the caller's. */
  async get(params: AgentParams<'get_instances'>, signal: AbortSignal): Promise<Answer> {
    const untilMs = this.parts.clock.monotonicMs() + params.wait_ms
    for (let round = 1; ; round++) {
      const answer = this.#read(params.since_digest)
      const leftMs = Math.ceil(untilMs - this.parts.clock.monotonicMs())
      if (isNews(answer, params.since_digest) || leftMs <= 0 || signal.aborted || round === MAX_ROUNDS)
        return answer
      await this.#waitForNews(params.since_digest, leftMs, signal)
    }
  }

  /** Waits until there may be news: in the warden's folder, or for that folder. */
  async #waitForNews(since: string | null, waitMs: number, signal: AbortSignal): Promise<void> {
    const { folder } = this.parts
    const name = basename(folder)
    try {
      if (existsSync(folder))
        await waitForChange(
          folder,
          waitMs,
          signal,
          (file) => file === REPORT || file === name,
          () => (isNews(this.#read(since), since) || !existsSync(folder) ? true : null),
        )
      else
        await waitForChange(
          dirname(folder),
          waitMs,
          signal,
          (file) => file === name,
          () => (existsSync(folder) ? true : null),
        )
    } catch (error) {
      // The folder was removed before it could be watched.
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }

  #read(since: string | null): Answer {
    const read = this.#file.read()
    const failure = read !== null && 'failure' in read ? read.failure : null
    if (failure !== null && failure !== this.#logged)
      this.parts.log.error('instances.report_unreadable', { failure })
    this.#logged = failure
    if (read === null) return this.#withoutReport(since)
    if ('failure' in read) return { digest: '', age_ms: null, failure, report: null }
    const { report, writtenAtMs } = read
    return {
      digest: report.digest,
      age_ms: Math.max(0, Math.round(this.parts.clock.epochMs() - writtenAtMs)),
      failure: null,
      report: report.digest === since ? null : report,
    }
  }

  #withoutReport(since: string | null): Answer {
    const { bootId, clock } = this.parts
    const none = { format: 1, boot_id: bootId, at_ms: clock.epochMs(), digest: '', instances: [] } as const
    return {
      digest: '',
      age_ms: null,
      failure: null,
      report: since === '' ? null : { ...none, instances: [] },
    }
  }
}

const isNews = (answer: Answer, since: string | null): boolean => since === null || answer.digest !== since
