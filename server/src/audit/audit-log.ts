import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { AuditRepository } from './audit.repository.ts'

/** Refusals of nobody in particular that are written down in a minute for an address; more are counted and told once. */
const MOST_ANONYMOUS = 10
const WINDOW_MS = 60_000
const MOST_ADDRESSES = 1000

type About = Pick<AuditEntry, 'actor' | 'from' | 'action' | 'detail'>

/** Who did what. */
@Injectable()
export class AuditLog {
  private readonly anonymous = new Map<string, { sinceMs: number; count: number }>()

  constructor(
    private readonly entries: AuditRepository,
    private readonly clock: Clock,
  ) {}

  /** Written down before it is done: whatever becomes of the server, nothing was done of which nothing is said. */
  async asked(about: About): Promise<string> {
    const request = randomUUID()
    await this.record({ ...about, request, outcome: 'asked', code: null })
    return request
  }

  async ended(about: About, request: string, outcome: 'done' | 'refused' | 'failed', code: string | null) {
    await this.record({ ...about, request, outcome, code, detail: {} })
  }

  /** By the guard, before anything was asked. A flood of strangers does not fill the disk. */
  async refused(about: About, code: string): Promise<void> {
    const detail = about.actor ? about.detail : this.countAnonymous(about)
    if (detail) await this.record({ ...about, detail, request: randomUUID(), outcome: 'refused', code })
  }

  private countAnonymous({ from, detail }: About): Record<string, unknown> | undefined {
    const nowMs = this.clock.now().getTime()
    const known = this.anonymous.get(from)
    if (known && nowMs - known.sinceMs < WINDOW_MS)
      return ++known.count <= MOST_ANONYMOUS ? detail : undefined
    const [oldest] = this.anonymous.keys()
    if (!known && oldest !== undefined && this.anonymous.size >= MOST_ADDRESSES) this.anonymous.delete(oldest)
    this.anonymous.set(from, { sinceMs: nowMs, count: 1 })
    const untold = Math.max(0, (known?.count ?? 0) - MOST_ANONYMOUS)
    return untold > 0 ? { ...detail, refusedBeforeWithoutEntry: untold } : detail
  }

  private record(entry: Omit<AuditEntry, 'seq' | 'hash' | 'at'>): Promise<void> {
    return this.entries.append({ ...entry, at: this.clock.now().toISOString() })
  }
}
