import { hash } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { isDataRefused } from '../platform/prisma/database-errors.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { decide } from './domain/decide.ts'
import { type ClaimedTarget, type HeartbeatResult, isTransition } from './domain/roll.ts'
import type { Round } from './heartbeat-caller.ts'
import { HeartbeatResultsRepository } from './heartbeat-results.repository.ts'

/** Rounds in one transaction. */
const BATCH = 500

/** Decides what rounds have shown, and stores it in batches: at once where a state changes, otherwise twice a second. */
@Injectable()
export class HeartbeatResults extends Reconciler {
  override readonly name = 'heartbeat-results'
  override readonly intervalMs = 500
  /** Results that are not stored yet, the newest of each agent: no more than there are agents. */
  private readonly results = new Map<string, HeartbeatResult>()
  /** The digest of what was last stored of an agent's facts, so that they are written only when they change. */
  private readonly storedFacts = new Map<string, string>()

  constructor(
    private readonly resultsRepository: HeartbeatResultsRepository,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  add(target: ClaimedTarget, round: Round): void {
    const result = this.toResult(target, round)
    this.results.set(target.hostId, result)
    if (isTransition(result)) this.wake()
  }

  /** Has the facts of an agent stored again, whatever they are. */
  forget(hostId: string): void {
    this.storedFacts.delete(hostId)
  }

  forgetAllBut(owned: ReadonlySet<string>): void {
    for (const hostId of this.storedFacts.keys()) if (!owned.has(hostId)) this.storedFacts.delete(hostId)
  }

  override async reconcile(now: Date): Promise<void> {
    while (this.results.size > 0) {
      const batch = [...this.results.values()].slice(0, BATCH)
      const changed = new Set(await this.store(batch, now))
      for (const result of batch) {
        // A newer one may have come while this one was being stored.
        if (this.results.get(result.hostId) === result) this.results.delete(result.hostId)
        const facts = result.report?.facts
        if (facts) this.storedFacts.set(result.hostId, digestOf(facts))
        if (changed.has(result.hostId)) this.logTransition(result)
      }
    }
  }

  private toResult(target: ClaimedTarget, { seen, report }: Round): HeartbeatResult {
    const result: HeartbeatResult = { hostId: target.hostId, from: target, decision: decide(target, seen) }
    if (!report) return result
    const { vitals, facts, roundTripMs, clockOffsetMs } = report
    const isNew = this.storedFacts.get(target.hostId) !== digestOf(facts)
    result.report = { vitals, roundTripMs, clockOffsetMs, ...(isNew && { facts }) }
    return result
  }

  /** Stores results; one that the database refuses is left out, so that no agent can keep those of others from being stored. */
  private async store(batch: HeartbeatResult[], now: Date): Promise<string[]> {
    try {
      return await this.resultsRepository.store(this.server, batch, now)
    } catch (error) {
      if (!isDataRefused(error)) throw error
      const [only, ...others] = batch
      if (others.length === 0) {
        this.log.error({ err: error, hostId: only?.hostId }, 'what an agent reported cannot be stored')
        return []
      }
      const half = batch.length >> 1
      return [...(await this.store(batch.slice(0, half), now)), ...(await this.store(batch.slice(half), now))]
    }
  }

  private logTransition({ hostId, from, decision }: HeartbeatResult): void {
    const { state, stateCode: code, stateReason: reason } = decision
    const level = state === 'online' ? 'info' : 'warn'
    this.log[level](
      { hostId, from: from.state, to: state, ...(code && { code }) },
      reason ?? `the host is ${state}`,
    )
  }
}

const digestOf = (facts: object) => hash('sha1', JSON.stringify(facts), 'base64')
