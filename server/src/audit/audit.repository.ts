import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'
import type { AuditEntry, auditQuery } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Batcher } from '../platform/batcher.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { AuditHeads } from './audit-heads.ts'
import { type SizedRow, splitByBytes } from './domain/byte-pages.ts'
import {
  ChainCheck,
  GENESIS_HASH,
  type Head,
  hashEntry,
  isSealValid,
  newestHead,
  type SealedHead,
  sealHead,
  type Unchained,
} from './domain/chain.ts'

const CHAIN_LOCK = 7_204_002
/** The upper bound for one read; entries of earlier releases may have megabytes. */
const MAX_PAGE_BYTES = 1024 * 1024
const MAX_SIZE_ROWS = 1000
/** The upper bound for the detail of a listed entry; the export has all of it. */
const MAX_LISTED_BYTES = 8192
const MAX_BLOCKING_MS = 10
const COLUMNS = `seq::float8 AS seq, at, actor, from_address AS "from", action, request, outcome, code, hash`
const SELECT_HEAD = 'SELECT seq::float8 AS seq, hash, seal FROM audit_head'

type Row = Omit<AuditEntry, 'at'> & { at: Date }
const toEntry = (row: Row): AuditEntry => ({ ...row, at: row.at.toISOString() })

/**
 * Stores the hash chain. Triggers refuse updates and deletes; `verify` detects rows that were changed by other means.
 */
@Injectable()
export class AuditRepository {
  private readonly key: Buffer
  private verifying: Promise<ChainCheck> | null = null
  private readonly appends = new Batcher((entries: Omit<Unchained, 'seq'>[]) => this.appendAll(entries), {
    size: 500,
    maxConcurrent: 1,
  })

  constructor(
    private readonly database: Database,
    private readonly heads: AuditHeads,
    sealer: Sealer,
  ) {
    this.key = sealer.deriveKey('audit')
  }

  /**
   * Writes entry 0 if no entry was ever written. Does nothing if the log was begun before, even if its entries are
   * gone.
   */
  async initialize(entry: Omit<Unchained, 'seq'>): Promise<void> {
    const head = await this.database.transaction(async (client) => {
      await client.execute('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK])
      if (this.heads.known) return null
      return (await client.execute('UPDATE audit_start SET is_begun = true WHERE NOT is_begun')) === 1
        ? this.insert(client, [entry], { seq: -1, hash: GENESIS_HASH })
        : null
    })
    if (head) this.heads.update(head)
  }

  /** Appends an entry. Resolves once it is committed. */
  async append(entry: Omit<Unchained, 'seq'>): Promise<void> {
    await this.appends.add(entry)
  }

  private async appendAll(entries: Omit<Unchained, 'seq'>[]): Promise<undefined[]> {
    const head = await this.database.transaction(async (client) => {
      // The lock makes appends sequential across servers: each entry depends on the one before.
      await client.execute('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK])
      return this.insert(client, entries, await this.last(client))
    })
    this.heads.update(head)
    return entries.map(() => undefined)
  }

  private async last(client: Sql): Promise<Head> {
    const stored = await client.first<SealedHead>(SELECT_HEAD)
    const newest = await client.first<Head>(
      'SELECT seq::float8 AS seq, hash FROM audit_entry ORDER BY audit_entry.seq DESC LIMIT 1',
    )
    const head = stored && isSealValid(this.key, stored) ? stored : null
    return newestHead([head, newest, this.heads.known])
  }

  private async insert(client: Sql, entries: Omit<Unchained, 'seq'>[], last: Head): Promise<Head> {
    let { seq, hash } = last
    const chained = entries.map((entry): AuditEntry => {
      seq++
      hash = hashEntry(this.key, hash, { ...entry, seq })
      return { ...entry, seq, hash }
    })
    await client.execute(
      `INSERT INTO audit_entry (seq, at, actor, from_address, action, request, outcome, code, detail, hash)
       SELECT seq, at, nullif(actor, 'null'::jsonb), "from", action, request, outcome, code, detail, hash
       FROM jsonb_to_recordset($1::jsonb) AS entry(seq bigint, at timestamptz, actor jsonb, "from" text, action text,
         request text, outcome text, code text, detail jsonb, hash text)`,
      [JSON.stringify(chained)],
    )
    await client.execute(
      `INSERT INTO audit_head (id, seq, hash, seal) VALUES (1, $1, $2, $3)
       ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal`,
      [seq, hash, sealHead(this.key, seq, hash)],
    )
    return { seq, hash }
  }

  /** Returns the newest entry according to the database; null if there is none or its seal is not valid. */
  async head(): Promise<Head | null> {
    const head = await this.database.first<SealedHead>(SELECT_HEAD)
    return head && isSealValid(this.key, head) ? { seq: head.seq, hash: head.hash } : null
  }

  /** Lists entries newest first, up to one megabyte. `before` of the result continues the list; null at the end. */
  async list({ limit, before, actor, action, outcome, text }: z.output<typeof auditQuery>) {
    const like = (word: string | undefined) =>
      word === undefined ? null : `%${word.replace(/[\\%_]/g, '\\$&')}%`
    const rows = await this.database.query<Row>(
      `SELECT ${COLUMNS}, CASE WHEN octet_length(detail::text) <= $7 THEN detail
         ELSE jsonb_build_object('bytes', octet_length(detail::text)) END AS detail
       FROM audit_entry WHERE ($2::bigint IS NULL OR seq < $2) AND ($3::text IS NULL OR actor->>'name' ILIKE $3)
         AND ($4::text IS NULL OR action ILIKE $4) AND ($5::text IS NULL OR outcome = $5)
         AND ($6::text IS NULL OR detail::text ILIKE $6) ORDER BY audit_entry.seq DESC LIMIT $1`,
      [limit, before ?? null, like(actor), like(action), outcome ?? null, like(text), MAX_LISTED_BYTES],
    )
    const sizes = rows.map((row) => ({ seq: row.seq, bytes: JSON.stringify(row).length }))
    const [end] = splitByBytes(sizes, MAX_PAGE_BYTES)
    const entries = rows.filter(({ seq }) => end !== undefined && seq >= end).map(toEntry)
    const isMore = entries.length < rows.length || rows.length === limit
    return { entries, before: isMore && end !== undefined && end > 0 ? end : null }
  }

  /** Returns the entries after `after`, oldest first: at least one, at most `limit`, within the page size. */
  async page(after: number, limit: number): Promise<AuditEntry[]> {
    const [end] = splitByBytes(await this.sizes(after, null, limit), MAX_PAGE_BYTES)
    return end === undefined ? [] : this.between(after, end)
  }

  /** Verifies the whole chain. Concurrent callers share one run. */
  verify(): Promise<ChainCheck> {
    this.verifying ??= this.verifyAll().finally(() => {
      this.verifying = null
    })
    return this.verifying
  }

  private async verifyAll(): Promise<ChainCheck> {
    // The order matters: entries appended during the check are in neither of the two heads read first.
    const check = new ChainCheck(this.key, this.heads.known)
    const head = await this.database.first<SealedHead>(SELECT_HEAD)
    let sinceMs = performance.now()
    for await (const entries of this.pages(head)) {
      for (const entry of entries) {
        if (!check.add(entry)) return check
        if (performance.now() - sinceMs < MAX_BLOCKING_MS) continue
        await yieldToEventLoop()
        sinceMs = performance.now()
      }
    }
    check.finish(head)
    return check
  }

  private async *pages(head: Head | null): AsyncGenerator<AuditEntry[]> {
    let after = -1
    for (;;) {
      const sizes = await this.sizes(after, head?.seq ?? null, MAX_SIZE_ROWS)
      for (const end of splitByBytes(sizes, MAX_PAGE_BYTES)) {
        yield await this.between(after, end)
        after = end
      }
      if (sizes.length < MAX_SIZE_ROWS) return
    }
  }

  private async sizes(after: number, through: number | null, limit: number): Promise<SizedRow[]> {
    return this.database.query(
      `SELECT seq::float8 AS seq, octet_length(detail::text) + 500 AS bytes FROM audit_entry
       WHERE seq > $1 AND ($2::bigint IS NULL OR seq <= $2) ORDER BY audit_entry.seq LIMIT $3`,
      [after, through, limit],
    )
  }

  private async between(after: number, end: number): Promise<AuditEntry[]> {
    const rows = await this.database.query<Row>(
      `SELECT ${COLUMNS}, detail FROM audit_entry WHERE seq > $1 AND seq <= $2 ORDER BY audit_entry.seq`,
      [after, end],
    )
    return rows.map(toEntry)
  }
}
