import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { toPrefix } from '../platform/network/address-prefix.ts'
import { AttemptWindows } from '../platform/network/attempt-windows.ts'
import { VERSION } from '../platform/tokens.ts'
import { AuditRepository } from './audit.repository.ts'
import { AuditHeads } from './audit-heads.ts'
import { boundDetail } from './domain/detail.ts'
import { RefusalWindows } from './domain/refusal-windows.ts'

/**
 * Limits per minute for refusals with an entry of their own, per code: for one caller (`perCaller`) and in total
 * (`total`).
 */
const ANONYMOUS_LIMITS = { perCaller: 10, total: 300 }
const KNOWN_LIMITS = { perCaller: 60, total: 2000 }
/** The number of admitted and then refused requests per minute after which a caller is locked out. */
const REJECTED_REQUESTS = { windowMs: 60_000, max: 600, maxKeys: 1000 }

export type AuditSubject = Pick<AuditEntry, 'actor' | 'from' | 'action' | 'detail'>
export type AuditOutcome = Exclude<AuditEntry['outcome'], 'asked'>

/** Records who did what. */
@Injectable()
export class AuditLog {
  private readonly anonymous = new RefusalWindows(ANONYMOUS_LIMITS)
  private readonly known = new RefusalWindows(KNOWN_LIMITS)
  private readonly rejectedRequests = new AttemptWindows(REJECTED_REQUESTS)
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

  /** Creates entry 0 when an installation is set up. */
  async initialize(): Promise<void> {
    await this.heads.load()
    const entry = { actor: null, from: '', action: 'setUp', request: randomUUID(), code: null }
    await this.entries.initialize({
      ...entry,
      at: this.clock.now().toISOString(),
      outcome: 'done',
      detail: { version: this.version },
    })
  }

  /** Reports the newest entry to the server log and the data folder, and logs an error if the database lost entries. */
  async reportHead(): Promise<void> {
    const known = this.heads.known
    const head = await this.entries.head()
    if (head) this.heads.update(head)
    this.log.info({ audit: head }, 'head of the audit log')
    if (known && (head?.seq ?? -1) < known.seq)
      this.log.error(
        { audit: head, known },
        'the newest entries of the audit log are missing from the database; run "rollcall audit verify"',
      )
  }

  /** Resolves when the newest head is stored outside the database. */
  flushed(): Promise<void> {
    return this.heads.flushed()
  }

  /**
   * Records that an action was requested, before it runs, and returns the id for `recordOutcome`. Throws
   * `access.locked_out` if too many requests of the caller were refused within a minute.
   */
  async recordRequest(about: AuditSubject): Promise<string> {
    if (this.rejectedRequests.isFull(toCallerKey(about), this.nowMs()))
      throw new RollcallError(
        'access.locked_out',
        'Too many of your requests were refused within a minute. Wait a minute and check the error messages of those requests.',
      )
    const request = randomUUID()
    await this.append({ ...about, request, outcome: 'asked', code: null })
    return request
  }

  /** Records the outcome of a requested action. */
  async recordOutcome(
    about: AuditSubject,
    request: string,
    outcome: AuditOutcome,
    code: ErrorCode | null,
  ): Promise<void> {
    if (code !== null) this.count(about, code)
    if (outcome === 'refused') this.rejectedRequests.count(toCallerKey(about), this.nowMs())
    await this.append({ ...about, request, outcome, code, detail: {} })
  }

  /** Records in one entry an action of a caller who was not signed in when it was requested. */
  async recordAnonymous(about: AuditSubject): Promise<void> {
    await this.append({ ...about, request: randomUUID(), outcome: 'done', code: null })
  }

  /** Counts the refusal of an action that was not begun, and records it within the rate limits. */
  async recordRefusal(
    about: AuditSubject,
    code: ErrorCode,
    outcome: AuditOutcome = 'refused',
  ): Promise<void> {
    this.count(about, code)
    const windows = about.actor ? this.known : this.anonymous
    if (windows.take(`${toCallerKey(about)} ${code}`, this.nowMs()))
      await this.append({ ...about, request: randomUUID(), outcome, code })
  }

  /** Records one entry that summarises all refusals without an entry of their own. */
  async recordRefusalSummary(): Promise<void> {
    for (const [who, windows] of [['strangers', this.anonymous] as const, ['known', this.known] as const]) {
      const unwritten = windows.takeUnrecorded()
      if (!unwritten) continue
      const entry = { actor: null, from: '', action: 'refusalsWithoutEntry', code: null }
      const detail = { of: who, ...unwritten }
      await this.append({ ...entry, detail, request: randomUUID(), outcome: 'refused' })
    }
  }

  private count({ actor }: AuditSubject, code: ErrorCode): void {
    this.refusals.inc({ caller: actor ? 'known' : 'stranger', code })
  }

  private nowMs(): number {
    return this.clock.now().getTime()
  }

  private append(entry: Omit<AuditEntry, 'seq' | 'hash' | 'at'>): Promise<void> {
    return this.entries.append({
      ...entry,
      detail: boundDetail(entry.detail),
      at: this.clock.now().toISOString(),
    })
  }
}

const toCallerKey = ({ actor, from }: AuditSubject) =>
  actor ? `${actor.kind} ${actor.name} ${actor.id}` : toPrefix(from)
