import { Inject, Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { AgentShares } from './agent-shares.reconciler.ts'
import { BACKLOG_AFTER_MS, BacklogPace, fairShare, hasRoom } from './domain/pace.ts'
import type { ClaimedTarget } from './domain/roll.ts'
import { HeartbeatCaller } from './heartbeat-caller.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
import { HeartbeatResults } from './heartbeat-results.reconciler.ts'
import { HeartbeatsService } from './heartbeats.service.ts'
import { RollRepository } from './roll.repository.ts'

const TICK_MS = 500
/** Acquired this long before they are due, so that each call begins at its own time and not at the next tick. */
const LOOK_AHEAD_MS = 900
const BATCH = 2000
/** Further rounds are not begun: so many that wait for dead hosts are more than any fleet has. */
const MAX_IN_FLIGHT = 50_000

/**
 * Calls the roll: acquires the agents that are due and calls each at its own time. The database knows what is due and who holds it;
 * everything here may be lost at any moment.
 */
@Injectable()
export class HeartbeatReconciler extends Reconciler {
  override readonly name = 'heartbeats'
  override readonly intervalMs = TICK_MS
  /** Hosts whose turn came again while their last round still waited for an answer. */
  private readonly dueAgain = new Set<string>()
  private readonly pace = new BacklogPace()

  constructor(
    private readonly roll: RollRepository,
    private readonly shares: AgentShares,
    private readonly caller: HeartbeatCaller,
    private readonly results: HeartbeatResults,
    private readonly heartbeats: HeartbeatsService,
    private readonly clock: Clock,
    private readonly metrics: HeartbeatMetrics,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
    // No agent waits for the next tick after a start.
    shares.listen(() => this.wake())
  }

  /** Begins the rounds that are due now and soon; and of those that were missed, as many as the pace allows. */
  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    const { membership, inFlight } = this.shares
    const room = MAX_IN_FLIGHT - inFlight.size
    if (!membership || room <= 0) return
    const nowMs = now.getTime()
    const { total, servers, owned, ratePerS, shareRatePerS } = membership
    const takesOver = hasRoom(owned, fairShare(total, servers))
    // Agents of a dead server are made up for as fast as our own share of all, and not as the few that we own so far.
    const allowance = this.pace.allowance(nowMs, takesOver ? Math.max(ratePerS, shareRatePerS) : ratePerS)
    const missedBefore = new Date(nowMs - BACKLOG_AFTER_MS)
    const timely = await this.roll.acquire(this.server, now, {
      after: missedBefore,
      until: new Date(nowMs + LOOK_AHEAD_MS),
      limit: Math.min(room, BATCH),
      takesOver,
    })
    this.begin(timely, signal)
    const late = timely.filter(({ plannedAt }) => plannedAt < now).length
    this.pace.spend(late)
    const limit = Math.min(room - timely.length, allowance - late)
    if (limit <= 0) return
    const backlog = { after: new Date(0), until: missedBefore, limit, takesOver }
    const missed = await this.roll.acquire(this.server, now, backlog)
    this.pace.spend(missed.length)
    // One after the other until the next tick.
    this.begin(missed, signal, (index) => (index * TICK_MS) / missed.length)
  }

  override async drain(): Promise<void> {
    await Promise.all(this.shares.inFlight.values())
  }

  private begin(
    targets: readonly ClaimedTarget[],
    signal: AbortSignal,
    pauseMs: (index: number) => number = () => 0,
  ): void {
    const { inFlight } = this.shares
    for (const [index, target] of targets.entries()) {
      const { hostId } = target
      if (target.isNew) this.results.forget(hostId)
      if (inFlight.has(hostId)) {
        this.dueAgain.add(hostId)
        continue
      }
      const round = this.round(target, pauseMs(index), signal)
        .catch((error) => {
          if (!signal.aborted)
            this.log.error({ err: error, hostId }, 'a heartbeat failed by a defect of ours')
        })
        .finally(() => {
          inFlight.delete(hostId)
          if (this.dueAgain.delete(hostId)) this.heartbeats.requestNow(hostId)
        })
      inFlight.set(hostId, round)
    }
  }

  private async round(target: ClaimedTarget, pauseMs: number, signal: AbortSignal): Promise<void> {
    const earlyMs = target.plannedAt.getTime() - this.clock.now().getTime()
    const waitMs = Math.min(Math.max(earlyMs, pauseMs), LOOK_AHEAD_MS)
    if (waitMs > 0) await this.clock.sleep(waitMs, signal)
    const lateMs = Math.max(0, this.clock.now().getTime() - target.plannedAt.getTime())
    this.metrics.lateness.observe(lateMs / 1000)
    const round = await this.caller.call(target, signal)
    if (!round) return
    this.metrics.rounds.inc({ outcome: round.seen.kind })
    this.results.add(target, round)
  }
}
