import { hash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { Inject, Injectable } from '@nestjs/common'
import { AgentsService } from '../agents/index.ts'
import { Alarm } from '../platform/clock/alarm.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { isDataRefused } from '../platform/prisma/database-errors.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { decide } from './domain/decide.ts'
import { BACKLOG_AFTER_MS, BacklogPace, fairShare, hasRoom, surplus } from './domain/pace.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
import {
  type Claimed,
  isTransition,
  type Membership,
  type Result,
  RollRepository,
  SERVER_LEASE_MS,
} from './roll.repository.ts'
import { RollCaller, type Round } from './roll-caller.ts'

const CLAIM_INTERVAL_MS = 500
/** Claimed so long before they are due, so that each begins at its own time and not at the next look. */
const LOOK_AHEAD_MS = 900
const CLAIM_LIMIT = 2000
const RENEW_INTERVAL_MS = SERVER_LEASE_MS / 3
const RENEWALS_PER_ENROLMENT = 3
/** About every ten minutes. */
const RENEWALS_PER_TIDYING = 300
const STORE_INTERVAL_MS = 500
/** Rounds in one transaction. */
const STORE_LIMIT = 500
const LET_GO_LIMIT = 500
/** Further rounds are not begun: so many that wait for dead hosts are more than any fleet has. */
const MAX_IN_FLIGHT = 50_000

const NOBODY: Membership = { servers: 1, total: 0, owned: 0, ratePerS: 0, shareRatePerS: 0 }

/**
 * Calls the roll: claims the agents that are due, calls each at its own time, decides what is true of it, and stores that
 * in batches. The database knows who is due and who owns whom; everything here may be lost at any moment.
 */
@Injectable()
export class HeartbeatEngine {
  private readonly stopping = new AbortController()
  private readonly inFlight = new Map<string, Promise<void>>()
  /** Those whose turn came again while their last round still waited for an answer. */
  private readonly dueAgain = new Set<string>()
  /** Results that are not stored yet, the newest of each agent: no more than there are agents. */
  private readonly results = new Map<string, Result>()
  /** The digest of what was last stored of an agent's facts, so that they are written only when they change. */
  private readonly storedFacts = new Map<string, string>()
  private readonly pace = new BacklogPace()
  private membership = NOBODY
  private renewals = 0
  private loops: Promise<void>[] = []
  private readonly news = new Alarm()

  constructor(
    private readonly roll: RollRepository,
    private readonly caller: RollCaller,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    private readonly metrics: HeartbeatMetrics,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    // Every call that is under way listens on it.
    setMaxListeners(0, this.stopping.signal)
    const repeat = (what: string, intervalMs: number, work: () => Promise<void>) =>
      this.repeater.repeat(what, intervalMs, this.stopping.signal, work)
    await this.renew()
    this.loops = [
      repeat('sharing out agents', RENEW_INTERVAL_MS, () => this.renew()),
      repeat('looking for agents that are due', CLAIM_INTERVAL_MS, () => this.claim()),
      repeat('storing heartbeats', 0, () => this.storeWhenDue()),
    ]
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await Promise.allSettled([...this.loops, ...this.inFlight.values()])
    await this.roll
      .leave(this.server)
      .catch((error) =>
        this.log.warn({ err: error }, 'agents could not be let go; their lease runs out by itself'),
      )
  }

  private async renew(): Promise<void> {
    // The lease comes first: nothing else may cost us our agents.
    this.membership = await this.roll.renew(this.server)
    if (this.renewals % RENEWALS_PER_ENROLMENT === 0) {
      await this.roll.enrol(this.clock.now())
      await this.roll.callBack(this.clock.now())
    }
    if (this.renewals % RENEWALS_PER_TIDYING === 0) await this.tidy()
    this.renewals++
    await this.share()
  }

  /** Lets go of what is beyond our share, so that a server that came later gets it. */
  private async share(): Promise<void> {
    const { total, servers, owned } = this.membership
    const count = Math.min(LET_GO_LIMIT, surplus(owned, fairShare(total, servers)))
    if (count === 0) return
    const gone = await this.roll.letGo(this.server, count, [...this.inFlight.keys()])
    for (const hostId of gone) this.forget(hostId)
  }

  /** Forgets what is not ours any more: removed by another server, or taken over by one while we stood still. */
  private async tidy(): Promise<void> {
    const owned = await this.roll.owned(this.server)
    for (const hostId of this.storedFacts.keys()) if (!owned.has(hostId)) this.storedFacts.delete(hostId)
    this.agents.forgetAllBut(owned)
  }

  private forget(hostId: string): void {
    this.storedFacts.delete(hostId)
    this.agents.forget(hostId)
  }

  /** Those that are due now and soon; and of those that were missed, as many as the pace allows. */
  private async claim(): Promise<void> {
    const room = MAX_IN_FLIGHT - this.inFlight.size
    if (room <= 0) return
    const now = this.clock.now()
    const nowMs = now.getTime()
    const { total, servers, owned, ratePerS, shareRatePerS } = this.membership
    const takesOver = hasRoom(owned, fairShare(total, servers))
    // Those of a dead server are made up for as fast as our own share of all, and not as the few that we own so far.
    const allowance = this.pace.allowance(nowMs, takesOver ? Math.max(ratePerS, shareRatePerS) : ratePerS)
    const missedBefore = new Date(nowMs - BACKLOG_AFTER_MS)
    const timely = await this.roll.claim(this.server, now, {
      after: missedBefore,
      until: new Date(nowMs + LOOK_AHEAD_MS),
      limit: Math.min(room, CLAIM_LIMIT),
      takesOver,
    })
    this.begin(timely)
    const late = timely.filter(({ plannedAt }) => plannedAt < now).length
    this.pace.spend(late)
    const limit = Math.min(room - timely.length, allowance - late)
    if (limit <= 0) return
    const missed = await this.roll.claim(this.server, now, {
      after: new Date(0),
      until: missedBefore,
      limit,
      takesOver,
    })
    this.pace.spend(missed.length)
    // One after the other until the next look.
    this.begin(missed, (index) => (index * CLAIM_INTERVAL_MS) / missed.length)
  }

  private begin(claimed: Claimed[], pauseMs: (index: number) => number = () => 0): void {
    for (const [index, agent] of claimed.entries()) {
      if (agent.isNew) this.storedFacts.delete(agent.hostId)
      if (this.inFlight.has(agent.hostId)) {
        this.dueAgain.add(agent.hostId)
        continue
      }
      const round = this.round(agent, pauseMs(index))
        .catch((error) => {
          if (!this.stopping.signal.aborted)
            this.log.error({ err: error, hostId: agent.hostId }, 'a heartbeat failed by our fault')
        })
        .finally(() => {
          this.inFlight.delete(agent.hostId)
          if (this.dueAgain.delete(agent.hostId)) this.agents.callSoon(agent.hostId)
        })
      this.inFlight.set(agent.hostId, round)
    }
  }

  private async round(agent: Claimed, pauseMs: number): Promise<void> {
    const signal = this.stopping.signal
    const early = agent.plannedAt.getTime() - this.clock.now().getTime()
    const waitMs = Math.min(Math.max(early, pauseMs), LOOK_AHEAD_MS)
    if (waitMs > 0) await this.clock.sleep(waitMs, signal)
    this.metrics.lateness.observe(Math.max(0, this.clock.now().getTime() - agent.plannedAt.getTime()) / 1000)
    const round = await this.caller.call(agent, signal)
    if (!round) return
    const result = this.toResult(agent, round)
    this.metrics.rounds.inc({ outcome: round.seen.kind })
    this.results.set(agent.hostId, result)
    if (isTransition(result)) this.news.ring()
  }

  private toResult(agent: Claimed, { seen, report }: Round): Result {
    const result: Result = { hostId: agent.hostId, from: agent, decision: decide(agent, seen) }
    if (!report) return result
    const { vitals, facts, roundTripMs, clockOffsetMs } = report
    const isNew = this.storedFacts.get(agent.hostId) !== digestOf(facts)
    result.report = { vitals, roundTripMs, clockOffsetMs, ...(isNew && { facts }) }
    return result
  }

  private logTransition({ hostId, from, decision }: Result): void {
    const { state, stateCode: code, stateReason: reason } = decision
    const level = state === 'online' ? 'info' : 'warn'
    this.log[level](
      { hostId, from: from.state, to: state, ...(code && { code }) },
      reason ?? `the host is ${state}`,
    )
  }

  /** Waits until there is a reason to store, then stores all there is. */
  private async storeWhenDue(): Promise<void> {
    await this.news.wait(STORE_INTERVAL_MS, this.stopping.signal)
    while (this.results.size > 0) {
      const batch = [...this.results.values()].slice(0, STORE_LIMIT)
      const changed = new Set(await this.store(batch))
      for (const result of batch) {
        // A newer one may have come while this one was being stored.
        if (this.results.get(result.hostId) === result) this.results.delete(result.hostId)
        const facts = result.report?.facts
        if (facts) this.storedFacts.set(result.hostId, digestOf(facts))
        if (changed.has(result.hostId)) this.logTransition(result)
      }
    }
  }

  /** Stores results; one that the database refuses is left out, so that no agent can keep those of others from being stored. */
  private async store(batch: Result[]): Promise<string[]> {
    try {
      return await this.roll.store(this.server, batch, this.clock.now())
    } catch (error) {
      if (!isDataRefused(error)) throw error
      const [only, ...others] = batch
      if (others.length === 0) {
        this.log.error({ err: error, hostId: only?.hostId }, 'what an agent said cannot be stored')
        return []
      }
      const half = batch.length >> 1
      return [...(await this.store(batch.slice(0, half))), ...(await this.store(batch.slice(half)))]
    }
  }
}

const digestOf = (facts: object) => hash('sha1', JSON.stringify(facts), 'base64')
