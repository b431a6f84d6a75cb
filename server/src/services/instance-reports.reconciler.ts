import { Inject, Injectable } from '@nestjs/common'
import { RETRY_POLICIES, RollcallError, retryDelayMs } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { HeartbeatsRepository } from '../heartbeats/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { RunningWork } from '../platform/background/running-work.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import type { StoredReport } from './domain/instance-row.ts'
import { NO_REPORT, readReport, TOO_OLD, toUnreportable } from './domain/read-report.ts'
import { isNoteDue, NO_STRANGERS, type Strangers, withStrangers } from './domain/strangers.ts'
import { InstanceReportsRepository } from './instance-reports.repository.ts'
import { InstancesReconciler } from './instances.reconciler.ts'

const WAIT_MS = 20_000
/** A host that answers at once, whatever is asked, is asked no more often. */
const MIN_PAUSE_MS = 200
/** An agent that cannot report may have been upgraded by then. */
const TOO_OLD_PAUSE_MS = 60_000

/** The latest answer of a host. */
interface Heard {
  digest: string | null
  strangers: Strangers
}

const NOTHING_HEARD: Heard = { digest: null, strangers: NO_STRANGERS }

/**
 * Asks hosts how their instances are, by questions that wait for news. Hosts with instances alone are asked, each by the server that calls it
 * anyway; others cost nothing.
 */
@Injectable()
export class InstanceReportsReconciler extends Reconciler {
  override readonly name = 'instance-reports'
  override readonly intervalMs = 1000
  /** One for each host of this server that has instances. */
  private readonly questions = new RunningWork(Number.POSITIVE_INFINITY)

  constructor(
    private readonly reports: InstanceReportsRepository,
    private readonly agents: AgentsService,
    private readonly heartbeats: HeartbeatsRepository,
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
    for (const hostId of this.questions.keys()) if (!hosts.has(hostId)) this.questions.stop(hostId)
    for (const hostId of hosts) this.ask(hostId, signal)
  }

  override async drain(): Promise<void> {
    this.questions.stopAll()
    await this.questions.drain()
  }

  private ask(hostId: string, stopping: AbortSignal): void {
    this.questions.begin(
      hostId,
      async (stop) => {
        const signal = AbortSignal.any([stopping, stop.signal])
        await this.follow(hostId, signal).catch((error) => {
          if (!signal.aborted) throw error
        })
      },
      (err) => this.log.warn({ err, hostId }, 'asking a host for its instances failed'),
    )
  }

  /** Asks a host again and again. Ends when it is to, or by an error that is ours. */
  private async follow(hostId: string, signal: AbortSignal): Promise<void> {
    let heard: Heard = NOTHING_HEARD
    for (let failures = 0; !signal.aborted; ) {
      try {
        heard = await this.askOnce(hostId, heard, signal)
        failures = 0
        await this.clock.sleep(MIN_PAUSE_MS, signal)
      } catch (error) {
        if (signal.aborted || !(error instanceof RollcallError)) throw error
        heard = { ...heard, digest: null }
        failures++
        await this.clock.sleep(await this.pauseAfter(hostId, error, failures), signal)
      }
    }
  }

  /** Asks once, and stores the answer. Returns what is known then. */
  private async askOnce(hostId: string, heard: Heard, signal: AbortSignal): Promise<Heard> {
    const { digest } = heard
    const params = { since_digest: digest, wait_ms: WAIT_MS }
    const answer = await this.agents.call(hostId, 'get_instances', params, { signal, retry: 'never' })
    const unreportable = toUnreportable(answer)
    if (unreportable) {
      await this.storeUnreportable(hostId, unreportable)
      await this.clock.sleep(WAIT_MS / 2, signal)
      return { ...heard, digest: null }
    }
    if (answer.report === null && answer.digest !== digest) await this.storeUnreportable(hostId, NO_REPORT)
    if (answer.report === null)
      return { digest: answer.digest, strangers: await this.noteStrangers(hostId, heard.strangers) }
    const now = this.clock.now()
    const { instances, strangers } = readReport(answer.report, await this.reports.expected(hostId))
    await this.reports.store(hostId, instances, now)
    this.instances.wake()
    const seen = withStrangers(heard.strangers, strangers, now)
    return { digest: answer.digest, strangers: await this.noteStrangers(hostId, seen) }
  }

  private async noteStrangers(hostId: string, strangers: Strangers): Promise<Strangers> {
    const now = this.clock.now()
    if (!isNoteDue(strangers, now)) return strangers
    const reason = `It has instances of services that no server has put there: ${strangers.ids.join(', ')}. Remove them there, if they are of no other fleet.`
    await this.heartbeats.note(hostId, now, { code: 'instance.unknown', reason })
    return { ...strangers, isNoted: true }
  }

  private async storeUnreportable(hostId: string, report: StoredReport): Promise<void> {
    await this.reports.storeUnreportable(hostId, report, this.clock.now())
    this.instances.wake()
  }

  private async pauseAfter(hostId: string, error: RollcallError, failures: number): Promise<number> {
    if (error.code !== 'agent.method_unknown')
      return retryDelayMs(RETRY_POLICIES.instanceReport, failures, Math.random())
    await this.storeUnreportable(hostId, TOO_OLD)
    return TOO_OLD_PAUSE_MS
  }
}
