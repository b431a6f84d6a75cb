import { Inject, Injectable } from '@nestjs/common'
import { RETRY_POLICIES, RollcallError, retryDelayMs } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { NO_REPORT, readReport, TOO_OLD, toUnreportable } from './domain/read-report.ts'
import { InstanceReportsRepository } from './instance-reports.repository.ts'
import { InstancesReconciler } from './instances.reconciler.ts'

const WAIT_MS = 20_000
/** A host that answers at once, whatever is asked, is asked no more often. */
const MIN_PAUSE_MS = 200
/** An agent that cannot report may have been upgraded by then. */
const TOO_OLD_PAUSE_MS = 60_000

/** The questions to one host, until it is asked no longer. */
interface Question {
  stop: AbortController
  done: Promise<void>
}

/**
 * Asks hosts how their instances are, by questions that wait for news. Hosts with instances alone are asked, each by the server that calls it
 * anyway; others cost nothing.
 */
@Injectable()
export class InstanceReportsReconciler extends Reconciler {
  override readonly name = 'instance-reports'
  override readonly intervalMs = 1000
  private readonly questions = new Map<string, Question>()

  constructor(
    private readonly reports: InstanceReportsRepository,
    private readonly agents: AgentsService,
    private readonly instances: InstancesReconciler,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Begins to ask hosts that are not asked yet, and ends with those that are another server's now, or have no instances. */
  override async reconcile(_now: Date, signal: AbortSignal): Promise<void> {
    const hosts = new Set(await this.reports.hosts(this.server))
    for (const [hostId, { stop }] of this.questions) if (!hosts.has(hostId)) stop.abort()
    for (const hostId of hosts) if (!this.questions.has(hostId)) this.ask(hostId, signal)
  }

  override async drain(): Promise<void> {
    for (const { stop } of this.questions.values()) stop.abort()
    await Promise.all([...this.questions.values()].map(({ done }) => done))
  }

  private ask(hostId: string, signal: AbortSignal): void {
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    const done = this.follow(hostId, both)
      .catch((error) => {
        if (!both.aborted) this.log.warn({ err: error, hostId }, 'asking a host for its instances failed')
      })
      .finally(() => this.questions.delete(hostId))
    this.questions.set(hostId, { stop, done })
  }

  /** Asks a host again and again. Ends when it is to, or by an error that is ours. */
  private async follow(hostId: string, signal: AbortSignal): Promise<void> {
    let digest: string | null = null
    for (let failures = 0; !signal.aborted; ) {
      try {
        digest = await this.askOnce(hostId, digest, signal)
        failures = 0
        await this.clock.sleep(MIN_PAUSE_MS, signal)
      } catch (error) {
        if (signal.aborted || !(error instanceof RollcallError)) throw error
        digest = null
        failures++
        await this.clock.sleep(await this.pauseAfter(hostId, error, failures), signal)
      }
    }
  }

  /** Returns the digest of what is known now; null where nothing is. */
  private async askOnce(hostId: string, digest: string | null, signal: AbortSignal): Promise<string | null> {
    const params = { since_digest: digest, wait_ms: WAIT_MS }
    const answer = await this.agents.call(hostId, 'get_instances', params, { signal, retry: 'never' })
    const now = this.clock.now()
    const unreportable = toUnreportable(answer)
    if (unreportable) {
      await this.reports.storeUnreportable(hostId, unreportable, now)
      this.instances.wake()
      await this.clock.sleep(WAIT_MS / 2, signal)
      return null
    }
    if (answer.report === null && answer.digest === digest) return digest
    if (answer.report === null) {
      await this.reports.storeUnreportable(hostId, NO_REPORT, now)
      this.instances.wake()
      return answer.digest
    }
    const { instances, strangers } = readReport(answer.report, await this.reports.expected(hostId))
    await this.reports.store(hostId, instances, now)
    if (strangers.length > 0)
      this.log.warn({ hostId, strangers }, 'a host reports instances that no server has put there')
    this.instances.wake()
    return answer.digest
  }

  private async pauseAfter(hostId: string, error: RollcallError, failures: number): Promise<number> {
    if (error.code !== 'agent.method_unknown')
      return retryDelayMs(RETRY_POLICIES.instanceReport, failures, Math.random())
    await this.reports.storeUnreportable(hostId, TOO_OLD, this.clock.now())
    this.instances.wake()
    return TOO_OLD_PAUSE_MS
  }
}
