import { Inject, Injectable } from '@nestjs/common'
import { type ErrorCode, isErrorCode, sanitizeText } from '@rollcall/contracts'
import type { TransferHostState } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import type { Transfer, TransferHost } from './domain/transfer.ts'

export interface TransferEnd {
  state: TransferHostState
  reasonCode?: ErrorCode
  reason?: string
  filesWritten?: number
  filesUnchanged?: number
  changes?: TransferHost['changes']
}

export interface ListedTransfer {
  transfer: Transfer
  counts: Partial<Record<TransferHostState, number>>
  endedAt: Date | null
}

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

/** Transfers are worked on by the server that has their content, and by no other. */
@Injectable()
export class TransfersRepository {
  constructor(
    private readonly database: Database,
    @Inject(SERVER_ID) private readonly serverId: string,
  ) {}

  /** Committed when it resolves. False when there is one of that id already. */
  insert(
    transfer: Transfer,
    hosts: readonly Pick<TransferHost, 'id' | 'hostId' | 'hostName'>[],
  ): Promise<boolean> {
    return this.database.transaction(async (client) => {
      const { id, bodyHash, kind, content, destination, mode, owner, makeParents, requestedBy, createdAt } =
        transfer
      const { requester, deletesOthers, isDryRun } = transfer
      const { rowCount } = await client.query(
        `INSERT INTO transfer (id, body_hash, server_id, kind, content, destination, mode, owner, make_parents, requested_by, created_at,
           requester_kind, requester_id, deletes_others, is_dry_run)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING`,
        [
          id,
          bodyHash,
          this.serverId,
          kind,
          content,
          destination,
          mode,
          owner,
          makeParents,
          requestedBy,
          createdAt,
          requester?.kind ?? null,
          requester?.id ?? null,
          deletesOthers,
          isDryRun,
        ],
      )
      if (rowCount === 0) return false
      await client.query(
        `INSERT INTO transfer_host (id, transfer_id, host_id, host_name, state, next_attempt_at)
         SELECT new.id, $1, new.host_id, new.host_name, 'pending', $2
         FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS new (id, host_id, host_name)`,
        [
          id,
          createdAt,
          hosts.map((host) => host.id),
          hosts.map((host) => host.hostId),
          hosts.map((host) => host.hostName),
        ],
      )
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

  /** How far a transfer is on each of its hosts, without the lists of what was changed there, which may be long. */
  async progress(transferId: string): Promise<TransferHost[]> {
    const { rows } = await this.database.pool.query(
      `SELECT ${hostColumns('NULL AS changes')} FROM transfer_host WHERE transfer_id = $1 ORDER BY host_name`,
      [transferId],
    )
    return rows.map(toHost)
  }

  async hosts(transferId: string): Promise<TransferHost[]> {
    const { rows } = await this.database.pool.query(
      `SELECT ${HOST} FROM transfer_host WHERE transfer_id = $1 ORDER BY host_name`,
      [transferId],
    )
    return rows.map(toHost)
  }

  /** Those of this server whose turn it is, in the order of their turn. */
  async due(now: Date, limit: number): Promise<TransferHost[]> {
    const { rows } = await this.database.pool.query(
      `SELECT ${HOST} FROM transfer_host JOIN transfer ON transfer.id = transfer_id
       WHERE ended_at IS NULL AND next_attempt_at <= $1 AND server_id = $2 ORDER BY next_attempt_at, transfer_host.id LIMIT $3`,
      [now, this.serverId, limit],
    )
    return rows.map(toHost)
  }

  /** Contents that transfers of this server, which have not ended, need. */
  async openContents(): Promise<Pick<Transfer, 'kind' | 'content'>[]> {
    const { rows } = await this.database.pool.query(
      `SELECT DISTINCT kind, content FROM transfer WHERE server_id = $1
       AND EXISTS (SELECT 1 FROM transfer_host WHERE transfer_id = transfer.id AND ended_at IS NULL)`,
      [this.serverId],
    )
    return rows
  }

  async progressed(id: string, bytes: number, totalBytes: number): Promise<void> {
    await this.database.pool.query(
      `UPDATE transfer_host SET state = 'running', bytes = $2, total_bytes = $3, unanswered_since = NULL
       WHERE id = $1 AND ended_at IS NULL`,
      [id, bytes, totalBytes],
    )
  }

  async postpone(
    id: string,
    at: Date,
    unansweredSince: Date,
    reason: { code: ErrorCode; message: string },
  ): Promise<void> {
    await this.database.pool.query(
      `UPDATE transfer_host SET next_attempt_at = $2, unanswered_since = $3, reason_code = $4, reason = $5
       WHERE id = $1 AND ended_at IS NULL`,
      [id, at, unansweredSince, reason.code, sanitizeText(reason.message, 2000)],
    )
  }

  async end(id: string, end: TransferEnd, now: Date): Promise<void> {
    const reason = end.reason === undefined ? null : sanitizeText(end.reason, 2000)
    await this.database.pool.query(
      // A host takes what it was sent after it has answered, so that the last progress told is behind.
      `UPDATE transfer_host SET state = $2, reason_code = $3, reason = $4, files_written = $5, files_unchanged = $6, ended_at = $7, changes = $8,
         bytes = CASE WHEN $2 = 'success' THEN total_bytes ELSE bytes END
       WHERE id = $1 AND ended_at IS NULL`,
      [
        id,
        end.state,
        end.reasonCode ?? null,
        reason,
        end.filesWritten ?? null,
        end.filesUnchanged ?? null,
        now,
        end.changes ? JSON.stringify(end.changes) : null,
      ],
    )
  }

  /** Has every host of it that has not ended looked at again now. */
  async cancel(transferId: string, now: Date): Promise<void> {
    await this.database.pool.query(
      `UPDATE transfer_host SET cancel_requested_at = $2, next_attempt_at = $2
       WHERE transfer_id = $1 AND ended_at IS NULL AND cancel_requested_at IS NULL`,
      [transferId, now],
    )
  }

  /** Ids of those hosts' parts of transfers, among these, that are to be broken off. */
  async cancelled(ids: readonly string[]): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      'SELECT id FROM transfer_host WHERE id = ANY($1::uuid[]) AND cancel_requested_at IS NOT NULL',
      [ids],
    )
    return rows.map(({ id }) => id)
  }

  private async select(tail: string, values: unknown[]): Promise<ListedTransfer[]> {
    const { rows } = await this.database.pool.query(
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
