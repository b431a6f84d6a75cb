import { Injectable } from '@nestjs/common'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { Batcher } from '../platform/batcher.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import { BEGINNING, ChainCheck, type Head, hashOfEntry, sealOfHead, type Unchained } from './domain/chain.ts'

const CHAIN_LOCK = 7_204_002
const PAGE = 2000
const COLUMNS = `seq::float8 AS seq, at, actor, from_address AS "from", action, request, outcome, code, detail, hash`

type Row = Omit<AuditEntry, 'at'> & { at: Date }
const entryOf = (row: Row): AuditEntry => ({ ...row, at: row.at.toISOString() })

export interface AuditFilter {
  limit: number
  before?: number | undefined
  actor?: string | undefined
  action?: string | undefined
  outcome?: string | undefined
  text?: string | undefined
}

/** The chain in the database. A trigger lets nobody change or remove a row; whoever goes around that is found out. */
@Injectable()
export class AuditRepository {
  private readonly key: Buffer
  private readonly appends = new Batcher((entries: Omit<Unchained, 'seq'>[]) => this.appendAll(entries), {
    size: 500,
    atOnce: 1,
  })

  constructor(
    private readonly database: Database,
    sealer: Sealer,
  ) {
    this.key = sealer.deriveKey('audit')
  }

  /** Committed when it resolves. */
  async append(entry: Omit<Unchained, 'seq'>): Promise<void> {
    await this.appends.add(entry)
  }

  private async appendAll(entries: Omit<Unchained, 'seq'>[]): Promise<undefined[]> {
    await this.database.transaction(async (client) => {
      // One at a time, whichever server it is: each entry holds on to the one before.
      await client.query('SELECT pg_advisory_xact_lock($1)', [CHAIN_LOCK])
      const { rows } = await client.query<Head>('SELECT seq::float8 AS seq, hash, seal FROM audit_head')
      let { seq, hash } = rows[0] ?? { seq: 0, hash: BEGINNING }
      const chained: AuditEntry[] = []
      for (const entry of entries) {
        seq++
        hash = hashOfEntry(this.key, hash, { ...entry, seq })
        chained.push({ ...entry, seq, hash })
      }
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
    })
    return entries.map(() => undefined)
  }

  /** Newest first. */
  async list({ limit, before, actor, action, outcome, text }: AuditFilter): Promise<AuditEntry[]> {
    const like = (word: string | undefined) =>
      word === undefined ? null : `%${word.replace(/[\\%_]/g, '\\$&')}%`
    const { rows } = await this.database.pool.query<Row>(
      `SELECT ${COLUMNS} FROM audit_entry WHERE ($2::bigint IS NULL OR seq < $2) AND ($3::text IS NULL OR actor->>'name' ILIKE $3)
         AND ($4::text IS NULL OR action ILIKE $4) AND ($5::text IS NULL OR outcome = $5)
         AND ($6::text IS NULL OR detail::text ILIKE $6) ORDER BY seq DESC LIMIT $1`,
      [limit, before ?? null, like(actor), like(action), outcome ?? null, like(text)],
    )
    return rows.map(entryOf)
  }

  /** Oldest first, those after `after`. */
  async page(after: number, limit: number): Promise<AuditEntry[]> {
    const { rows } = await this.database.pool.query<Row>(
      `SELECT ${COLUMNS} FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2`,
      [after, limit],
    )
    return rows.map(entryOf)
  }

  async verify(): Promise<ChainCheck> {
    const check = new ChainCheck(this.key)
    // What is added meanwhile is not looked at: the head is read first.
    const { rows } = await this.database.pool.query<Head>(
      'SELECT seq::float8 AS seq, hash, seal FROM audit_head',
    )
    const head = rows[0] ?? null
    for (let after = 0, isSound = true; isSound; ) {
      const entries = (await this.page(after, PAGE)).filter(
        ({ seq }) => seq <= (head?.seq ?? Number.POSITIVE_INFINITY),
      )
      for (const entry of entries) {
        isSound = check.add(entry)
        if (!isSound) break
      }
      if (entries.length < PAGE) break
      after = entries.at(-1)?.seq ?? after
    }
    check.finish(head)
    return check
  }
}
