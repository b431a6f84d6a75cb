import { setImmediate as turnOfOthers } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'
import type { AuditEntry } from '@rollcall/contracts/admin'
import type pg from 'pg'
import { Batcher } from '../platform/batcher.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import { AuditHeads } from './audit-heads.ts'
import { pagesByBytes, type Sized } from './domain/byte-pages.ts'
import {
  BEGINNING,
  ChainCheck,
  type Head,
  hashOfEntry,
  isSealed,
  lastOf,
  type SealedHead,
  sealOfHead,
  type Unchained,
} from './domain/chain.ts'

const CHAIN_LOCK = 7_204_002
/** Bytes read at once: entries of earlier releases may have megabytes. */
const MAX_PAGE_BYTES = 1024 * 1024
const MAX_SIZES = 1000
/** Bytes of a listed entry; the export has it whole. */
const MAX_LISTED_BYTES = 8192
const TURN_MS = 10
const COLUMNS = `seq::float8 AS seq, at, actor, from_address AS "from", action, request, outcome, code, hash`
const HEAD = 'SELECT seq::float8 AS seq, hash, seal FROM audit_head'

type Row = Omit<AuditEntry, 'at'> & { at: Date }
const toEntry = (row: Row): AuditEntry => ({ ...row, at: row.at.toISOString() })

export interface AuditFilter {
  limit: number
  before?: number | undefined
  actor?: string | undefined
  action?: string | undefined
  outcome?: string | undefined
  text?: string | undefined
}

/** The chain in the database. Triggers let nobody change or remove a row; whoever goes around that is found out. */
@Injectable()
export class AuditRepository {
  private readonly key: Buffer
  private verifying: Promise<ChainCheck> | null = null
  private readonly appends = new Batcher((entries: Omit<Unchained, 'seq'>[]) => this.appendAll(entries), {
    size: 500,
    atOnce: 1,
  })

  constructor(
    private readonly database: Database,
    private readonly heads: AuditHeads,
    sealer: Sealer,
  ) {
    this.key = sealer.deriveKey('audit')
  }

  /** Writes entry 0 where there never was an entry. Does nothing for a log that has begun, even if nothing is left of it. */
  async begin(entry: Omit<Unchained, 'seq'>): Promise<void> {
    const head = await this.database.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK])
      if (this.heads.known) return null
      const { rowCount } = await client.query('UPDATE audit_start SET is_begun = true WHERE NOT is_begun')
      return rowCount === 1 ? this.insert(client, [entry], { seq: -1, hash: BEGINNING }) : null
    })
    if (head) this.heads.note(head)
  }

  /** Committed when it resolves. */
  async append(entry: Omit<Unchained, 'seq'>): Promise<void> {
    await this.appends.add(entry)
  }

  private async appendAll(entries: Omit<Unchained, 'seq'>[]): Promise<undefined[]> {
    const head = await this.database.transaction(async (client) => {
      // One at a time, whichever server it is: each entry holds on to the one before.
      await client.query('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK])
      return this.insert(client, entries, await this.last(client))
    })
    this.heads.note(head)
    return entries.map(() => undefined)
  }

  private async last(client: pg.PoolClient): Promise<Head> {
    const [stored] = (await client.query<SealedHead>(HEAD)).rows
    const newest = await client.query<Head>(
      'SELECT seq::float8 AS seq, hash FROM audit_entry ORDER BY audit_entry.seq DESC LIMIT 1',
    )
    const head = stored && isSealed(this.key, stored) ? stored : null
    return lastOf([head, newest.rows[0] ?? null, this.heads.known])
  }

  private async insert(client: pg.PoolClient, entries: Omit<Unchained, 'seq'>[], last: Head): Promise<Head> {
    let { seq, hash } = last
    const chained = entries.map((entry): AuditEntry => {
      seq++
      hash = hashOfEntry(this.key, hash, { ...entry, seq })
      return { ...entry, seq, hash }
    })
    await client.query(
      `INSERT INTO audit_entry (seq, at, actor, from_address, action, request, outcome, code, detail, hash)
       SELECT seq, at, nullif(actor, 'null'::jsonb), "from", action, request, outcome, code, detail, hash
       FROM jsonb_to_recordset($1::jsonb) AS entry(seq bigint, at timestamptz, actor jsonb, "from" text, action text,
         request text, outcome text, code text, detail jsonb, hash text)`,
      [JSON.stringify(chained)],
    )
    await client.query(
      `INSERT INTO audit_head (id, seq, hash, seal) VALUES (1, $1, $2, $3)
       ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal`,
      [seq, hash, sealOfHead(this.key, seq, hash)],
    )
    return { seq, hash }
  }

  /** The newest entry as the database says; null where it says nothing, or somebody else says it. */
  async head(): Promise<Head | null> {
    const [head] = (await this.database.pool.query<SealedHead>(HEAD)).rows
    return head && isSealed(this.key, head) ? { seq: head.seq, hash: head.hash } : null
  }

  /** Newest first, at most a megabyte: `before` is where to go on, null at the end. */
  async list({ limit, before, actor, action, outcome, text }: AuditFilter) {
    const like = (word: string | undefined) =>
      word === undefined ? null : `%${word.replace(/[\\%_]/g, '\\$&')}%`
    const { rows } = await this.database.pool.query<Row>(
      `SELECT ${COLUMNS}, CASE WHEN octet_length(detail::text) <= $7 THEN detail
         ELSE jsonb_build_object('bytes', octet_length(detail::text)) END AS detail
       FROM audit_entry WHERE ($2::bigint IS NULL OR seq < $2) AND ($3::text IS NULL OR actor->>'name' ILIKE $3)
         AND ($4::text IS NULL OR action ILIKE $4) AND ($5::text IS NULL OR outcome = $5)
         AND ($6::text IS NULL OR detail::text ILIKE $6) ORDER BY audit_entry.seq DESC LIMIT $1`,
      [limit, before ?? null, like(actor), like(action), outcome ?? null, like(text), MAX_LISTED_BYTES],
    )
    const sizes = rows.map((row) => ({ seq: row.seq, bytes: JSON.stringify(row).length }))
    const [end] = pagesByBytes(sizes, MAX_PAGE_BYTES)
    const entries = rows.filter(({ seq }) => end !== undefined && seq >= end).map(toEntry)
    const isMore = entries.length < rows.length || rows.length === limit
    return { entries, before: isMore && end !== undefined && end > 0 ? end : null }
  }

  /** Oldest first, those after `after`: as many as a page holds, at most `limit`, and one at least. */
  async page(after: number, limit: number): Promise<AuditEntry[]> {
    const [end] = pagesByBytes(await this.sizes(after, null, limit), MAX_PAGE_BYTES)
    return end === undefined ? [] : this.between(after, end)
  }

  /** Reads the whole log; whoever asks meanwhile gets the same answer. */
  verify(): Promise<ChainCheck> {
    this.verifying ??= this.verifyAll().finally(() => {
      this.verifying = null
    })
    return this.verifying
  }

  private async verifyAll(): Promise<ChainCheck> {
    // In this order: what is added meanwhile is not looked at, and is in none of the two that are read first.
    const check = new ChainCheck(this.key, this.heads.known)
    const head = (await this.database.pool.query<SealedHead>(HEAD)).rows[0] ?? null
    let sinceMs = performance.now()
    for await (const entries of this.pages(head)) {
      for (const entry of entries) {
        if (!check.add(entry)) return check
        if (performance.now() - sinceMs < TURN_MS) continue
        await turnOfOthers()
        sinceMs = performance.now()
      }
    }
    check.finish(head)
    return check
  }

  private async *pages(head: Head | null): AsyncGenerator<AuditEntry[]> {
    let after = -1
    for (;;) {
      const sizes = await this.sizes(after, head?.seq ?? null, MAX_SIZES)
      for (const end of pagesByBytes(sizes, MAX_PAGE_BYTES)) {
        yield await this.between(after, end)
        after = end
      }
      if (sizes.length < MAX_SIZES) return
    }
  }

  private async sizes(after: number, through: number | null, limit: number): Promise<Sized[]> {
    const { rows } = await this.database.pool.query<Sized>(
      `SELECT seq::float8 AS seq, octet_length(detail::text) + 500 AS bytes FROM audit_entry
       WHERE seq > $1 AND ($2::bigint IS NULL OR seq <= $2) ORDER BY audit_entry.seq LIMIT $3`,
      [after, through, limit],
    )
    return rows
  }

  private async between(after: number, end: number): Promise<AuditEntry[]> {
    const { rows } = await this.database.pool.query<Row>(
      `SELECT ${COLUMNS}, detail FROM audit_entry WHERE seq > $1 AND seq <= $2 ORDER BY audit_entry.seq`,
      [after, end],
    )
    return rows.map(toEntry)
  }
}
