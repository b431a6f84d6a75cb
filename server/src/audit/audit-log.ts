import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { prefixOf } from '../platform/network/address-prefix.ts'
import { AttemptWindows } from '../platform/network/attempt-windows.ts'
import { VERSION } from '../platform/tokens.ts'
import { AuditRepository } from './audit.repository.ts'
import { AuditHeads } from './audit-heads.ts'
import { boundedDetail } from './domain/detail.ts'
import { RefusalWindows } from './domain/refusal-windows.ts'

/** Refusals in a minute that have an entry each: of one code, for a stranger's address and for a known caller. */
const STRANGERS = { perCaller: 10, inAll: 300 }
const KNOWN = { perCaller: 60, inAll: 2000 }
/** Requests of one caller that are let in, written down and then refused, in a minute: after that nothing is let in. */
const LET_IN_AND_REFUSED = { windowMs: 60_000, max: 600, maxKeys: 1000 }

export type About = Pick<AuditEntry, 'actor' | 'from' | 'action' | 'detail'>
export type Ended = Exclude<AuditEntry['outcome'], 'asked'>

/** Who did what. */
@Injectable()
export class AuditLog {
  private readonly strangers = new RefusalWindows(STRANGERS)
  private readonly known = new RefusalWindows(KNOWN)
  private readonly letInAndRefused = new AttemptWindows(LET_IN_AND_REFUSED)
  private readonly refusals

  constructor(
    private readonly entries: AuditRepository,
    private readonly heads: AuditHeads,
    private readonly clock: Clock,
    metrics: Metrics,
    @Inject(VERSION) private readonly version: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.refusals = metrics.counter({
      name: 'rollcall_refusals_total',
      help: 'Refused requests, by whether the caller was known and by code.',
      labelNames: ['caller', 'code'],
    })
  }

  /** Begins the log with entry 0, at the set-up of an installation. */
  async begin(): Promise<void> {
    await this.heads.load()
    const entry = { actor: null, from: '', action: 'setUp', request: randomUUID(), code: null }
    await this.entries.begin({
      ...entry,
      at: this.now().toISOString(),
      outcome: 'done',
      detail: { version: this.version },
    })
  }

  /** Writes the newest entry into the server's log and into the data folder. */
  async reportHead(): Promise<void> {
    const known = this.heads.known
    const head = await this.entries.head()
    if (head) this.heads.note(head)
    this.log.info({ audit: head }, 'head of the audit log')
    if (known && (head?.seq ?? -1) < known.seq)
      this.log.error(
        { audit: head, known },
        'the audit log in the database has lost its end; run "rollcall audit verify"',
      )
  }

  /** Resolves when the head is kept outside of the database. */
  settled(): Promise<void> {
    return this.heads.settled()
  }

  /**
   * Writes down that something was asked for, before it is done. Returns the id for `ended`. Throws `access.locked_out` for a
   * caller of whom too much was refused in this minute.
   */
  async asked(about: About): Promise<string> {
    if (this.letInAndRefused.isFull(keyOf(about), this.nowMs()))
      throw new RollcallError(
        'access.locked_out',
        'Too many of your requests were refused within a minute. Wait a minute, and look at what their answers say.',
      )
    const request = randomUUID()
    await this.record({ ...about, request, outcome: 'asked', code: null })
    return request
  }

  /** Writes down how it ended. */
  async ended(about: About, request: string, outcome: Ended, code: ErrorCode | null): Promise<void> {
    if (code !== null) this.count(about, code)
    if (outcome === 'refused') this.letInAndRefused.take(keyOf(about), this.nowMs())
    await this.record({ ...about, request, outcome, code, detail: {} })
  }

  /** Writes down in one entry what was done for somebody who was not known when it was asked for. */
  async doneForStranger(about: About): Promise<void> {
    await this.record({ ...about, request: randomUUID(), outcome: 'done', code: null })
  }

  /** Counts a refusal of what was not begun, and writes it down unless there were too many. */
  async refused(about: About, code: ErrorCode, outcome: Ended = 'refused'): Promise<void> {
    this.count(about, code)
    const windows = about.actor ? this.known : this.strangers
    if (windows.take(`${keyOf(about)} ${code}`, this.nowMs()))
      await this.record({ ...about, request: randomUUID(), outcome, code })
  }

  /** Writes one entry about all refusals that had none since the last time. */
  async writeUnwritten(): Promise<void> {
    for (const [who, windows] of [['strangers', this.strangers] as const, ['known', this.known] as const]) {
      const unwritten = windows.takeUnwritten()
      if (!unwritten) continue
      const entry = { actor: null, from: '', action: 'refusalsWithoutEntry', code: null }
      const detail = { of: who, ...unwritten }
      await this.record({ ...entry, detail, request: randomUUID(), outcome: 'refused' })
    }
  }

  private count({ actor }: About, code: ErrorCode): void {
    this.refusals.inc({ caller: actor ? 'known' : 'stranger', code })
  }

  private now(): Date {
    return this.clock.now()
  }

  private nowMs(): number {
    return this.now().getTime()
  }

  private record(entry: Omit<AuditEntry, 'seq' | 'hash' | 'at'>): Promise<void> {
    return this.entries.append({
      ...entry,
      detail: boundedDetail(entry.detail),
      at: this.now().toISOString(),
    })
  }
}

const keyOf = ({ actor, from }: About) => (actor ? `${actor.kind} ${actor.name} ${actor.id}` : prefixOf(from))
