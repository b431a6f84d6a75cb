import { Inject, Injectable } from '@nestjs/common'
import { type ErrorCode, isErrorCode, sanitizeText } from '@rollcall/contracts'
import { isExpired } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import type {
  AbandonedTransfer,
  ListedTransfer,
  Transfer,
  TransferEnd,
  TransferHost,
} from './domain/transfer.ts'

const TRANSFER = `id, body_hash AS "bodyHash", kind, content, destination, mode, owner,
  make_parents AS "makeParents", deletes_others AS "deletesOthers", is_dry_run AS "isDryRun", requested_by AS "requestedBy",
  CASE WHEN requester_id IS NOT NULL THEN jsonb_build_object('kind', requester_kind, 'id', requester_id) END AS requester,
  created_at AS "createdAt"`
const hostColumns = (
  changes: 'changes' | 'NULL AS changes',
) => `transfer_host.id, transfer_id AS "transferId", host_id AS "hostId", host_name AS "hostName", state,
  bytes::float8 AS bytes, total_bytes::float8 AS "totalBytes", files_written AS "filesWritten",
  files_unchanged AS "filesUnchanged", ${changes}, reason_code AS "reasonCode", reason, cancel_requested_at AS "cancelRequestedAt",
  unanswered_since AS "unansweredSince", ended_at AS "endedAt"`

const HOST = hostColumns('changes')
/** The part of a host `$1`, while this server, `$2`, holds it. */
const HELD = 'id = $1 AND lease_owner = $2 AND ended_at IS NULL'

type TransferRow = Transfer & { counts: ListedTransfer['counts'] | null; endedAt: Date | null }

/** Transfers. The parts of each host are held by a server that has the content: first the one that took it. */
@Injectable()
export class TransfersRepository {
  constructor(
    private readonly database: Database,
    @Inject(SERVER_ID) private readonly server: string,
  ) {}

  /** Committed when it resolves. False when there is one of that id already. */
  async insert(
    { requester, ...transfer }: Transfer,
    hosts: readonly Pick<TransferHost, 'id' | 'hostId' | 'hostName'>[],
  ): Promise<boolean> {
    const data = { ...transfer, requesterKind: requester?.kind ?? null, requesterId: requester?.id ?? null }
    return this.database.prisma.$transaction(async (prisma) => {
      const { count } = await prisma.transfer.createMany({ data, skipDuplicates: true })
      if (count === 0) return false
      // Prisma's own takes ten times as long for thousands of rows.
      await prisma.$executeRaw`
        INSERT INTO transfer_host (id, transfer_id, host_id, host_name, state, next_attempt_at, lease_owner)
        SELECT id, ${transfer.id}::uuid, "hostId", "hostName", 'pending', ${transfer.createdAt}::timestamptz, ${this.server}
        FROM jsonb_to_recordset(${JSON.stringify(hosts)}::jsonb) AS part(id uuid, "hostId" uuid, "hostName" text)`
      return true
    })
  }

  async find(id: string): Promise<ListedTransfer | null> {
    const [found] = await this.select('WHERE transfer.id = $1', [id])
    return found ?? null
  }

  list(limit: number): Promise<ListedTransfer[]> {
    return this.select('ORDER BY created_at DESC, transfer.id LIMIT $1', [limit])
  }

  /** Returns the parts of a transfer without the lists of what was changed on each host, which may be long. */
  async progress(transferId: string): Promise<TransferHost[]> {
    const rows = await this.database.query<TransferHost>(
      `SELECT ${hostColumns('NULL AS changes')} FROM transfer_host WHERE transfer_id = $1 ORDER BY host_name`,
      [transferId],
    )
    return rows.map(toHost)
  }

  async hosts(transferId: string): Promise<TransferHost[]> {
    const rows = await this.database.query<TransferHost>(
      `SELECT ${HOST} FROM transfer_host WHERE transfer_id = $1 ORDER BY host_name`,
      [transferId],
    )
    return rows.map(toHost)
  }

  /** Returns what this server holds and is due, in the order of its turn. */
  async due(now: Date, limit: number): Promise<TransferHost[]> {
    const rows = await this.database.query<TransferHost>(
      `SELECT ${HOST} FROM transfer_host
       WHERE ended_at IS NULL AND next_attempt_at <= $1 AND lease_owner = $2 ORDER BY next_attempt_at, id LIMIT $3`,
      [now, this.server, limit],
    )
    return rows.map(toHost)
  }

  /** Returns transfers that have not ended and that no live server holds, the oldest first. */
  async abandoned(limit: number): Promise<AbandonedTransfer[]> {
    return this.database.query(
      `SELECT transfer.id, kind, content, bool_or(cancel_requested_at IS NOT NULL) AS "isCancelRequested",
         max(lease_until) AS "abandonedSince"
       FROM transfer_host JOIN transfer ON transfer.id = transfer_id LEFT JOIN server_lease USING (lease_owner)
       WHERE ended_at IS NULL AND ${isExpired('transfer_host')} GROUP BY transfer.id ORDER BY transfer.created_at LIMIT $1`,
      [limit],
    )
  }

  /** Acquires the parts of a transfer that no live server holds. Returns them. */
  async acquire(transferId: string): Promise<TransferHost[]> {
    const rows = await this.database.query<TransferHost>(
      `UPDATE transfer_host SET lease_owner = $2 WHERE transfer_id = $1 AND ended_at IS NULL AND ${isExpired('transfer_host')}
       RETURNING ${HOST}`,
      [transferId, this.server],
    )
    return rows.map(toHost)
  }

  /** Returns the contents that transfers need which have not ended, on whichever server. */
  async openContents(): Promise<Pick<Transfer, 'kind' | 'content'>[]> {
    return this.database.query(`SELECT DISTINCT kind, content FROM transfer
       WHERE EXISTS (SELECT 1 FROM transfer_host WHERE transfer_id = transfer.id AND ended_at IS NULL)`)
  }

  /** Stores progress. Returns false when it has ended, or another server has acquired it. */
  async progressed(id: string, bytes: number, totalBytes: number): Promise<boolean> {
    return (
      (await this.database.execute(
        `UPDATE transfer_host SET state = 'running', bytes = $3, total_bytes = $4, unanswered_since = NULL
       WHERE ${HELD}`,
        [id, this.server, bytes, totalBytes],
      )) === 1
    )
  }

  async postpone(
    id: string,
    at: Date,
    unansweredSince: Date,
    reason: { code: ErrorCode; message: string },
  ): Promise<void> {
    await this.database.execute(
      `UPDATE transfer_host SET next_attempt_at = $3, unanswered_since = $4, reason_code = $5, reason = $6
       WHERE ${HELD}`,
      [id, this.server, at, unansweredSince, reason.code, sanitizeText(reason.message, 2000)],
    )
  }

  /** Returns false, and stores nothing, when it has ended already or another server has acquired it. */
  async end(id: string, end: TransferEnd, now: Date): Promise<boolean> {
    const { state, reasonCode, filesWritten, filesUnchanged } = end
    const reason = end.reason && sanitizeText(end.reason, 2000)
    const changes = end.changes && JSON.stringify(end.changes)
    const count = await this.database.execute(
      // A host takes what it was sent after it has answered, so that the last progress stored is behind.
      `UPDATE transfer_host SET state = $3, reason_code = $4, reason = $5, files_written = $6, files_unchanged = $7, ended_at = $8, changes = $9,
         bytes = CASE WHEN $3 = 'success' THEN total_bytes ELSE bytes END, lease_owner = NULL
       WHERE ${HELD}`,
      [id, this.server, state, reasonCode, reason, filesWritten, filesUnchanged, now, changes],
    )
    return count === 1
  }

  /** Makes every part that has not ended due now, to be cancelled. */
  async cancel(transferId: string, now: Date): Promise<void> {
    await this.database.execute(
      `UPDATE transfer_host SET cancel_requested_at = $2, next_attempt_at = $2
       WHERE transfer_id = $1 AND ended_at IS NULL AND cancel_requested_at IS NULL`,
      [transferId, now],
    )
  }

  /** Returns which of these parts are to be cancelled. */
  async cancelled(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    return this.database.ids(
      'SELECT id FROM transfer_host WHERE id = ANY($1::uuid[]) AND cancel_requested_at IS NOT NULL',
      [ids],
    )
  }

  private async select(tail: string, values: unknown[]): Promise<ListedTransfer[]> {
    const rows = await this.database.query<TransferRow>(
      `SELECT ${TRANSFER}, (SELECT json_object_agg(state, count) FROM (
           SELECT state, count(*)::int FROM transfer_host WHERE transfer_id = transfer.id GROUP BY state) AS each) AS counts,
         (SELECT CASE WHEN bool_and(ended_at IS NOT NULL) THEN max(ended_at) END
           FROM transfer_host WHERE transfer_id = transfer.id) AS "endedAt"
       FROM transfer ${tail}`,
      values,
    )
    return rows.map(({ counts, endedAt, ...transfer }) => ({ transfer, counts: counts ?? {}, endedAt }))
  }
}

const toHost = (row: TransferHost): TransferHost => ({
  ...row,
  reasonCode: isErrorCode(row.reasonCode) ? row.reasonCode : null,
})
