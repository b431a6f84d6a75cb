import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import { CommandsRepository } from './commands.repository.ts'
import type { ClaimedCommand, Ending, OutputPiece } from './domain/command.ts'

/** An installation or removal has a host's state to put right, so it always ends in the hands of its handler. */
const NEVER_TRIED = "state = 'pending' AND dispatched_at IS NULL AND kind = 'command'"

/** Of one command or many, at the moment `$2`. */
const CANCEL = `UPDATE command SET
  cancel_requested_at = CASE WHEN state IN ('pending', 'running') THEN coalesce(cancel_requested_at, $2) ELSE cancel_requested_at END,
  ended_at = CASE WHEN ${NEVER_TRIED} THEN $2 ELSE ended_at END,
  reason = CASE WHEN ${NEVER_TRIED} THEN 'Cancelled before it started.' ELSE reason END,
  next_attempt_at = CASE WHEN state IN ('pending', 'running') THEN $2 ELSE next_attempt_at END,
  state = CASE WHEN ${NEVER_TRIED} THEN 'cancelled' ELSE state END`

/** How long a server holds a command without saying that it still lives. */
export const LEASE_MS = 15_000

/**
 * What drives commands: leases, output and endings. Every statement that changes a command names the lease that it
 * is made under, so a server that lost its lease changes nothing.
 */
@Injectable()
export class WorkRepository {
  constructor(
    private readonly database: Database,
    private readonly commands: CommandsRepository,
  ) {}

  /**
   * Takes an unfinished command whose turn it is and that nobody else holds, and in the same statement marks it as dispatched where it is
   * going to be tried: if we die a moment later, it counts as one that may have started.
   */
  async claim(id: string, owner: string, now: Date): Promise<ClaimedCommand | null> {
    const { rows } = await this.database.pool.query(
      `WITH free AS (
         SELECT id, dispatched_at FROM command
         WHERE id = $1 AND state IN ('pending', 'running') AND admitted_at IS NOT NULL
           AND (lease_until IS NULL OR lease_until < now() OR lease_owner = $2)
         FOR UPDATE SKIP LOCKED
       ), claimed AS (
         UPDATE command SET
           lease_owner = $2,
           lease_until = now() + $3 * interval '1 millisecond',
           dispatched_at = coalesce(command.dispatched_at, CASE
             WHEN cancel_requested_at IS NULL AND admitted_at + start_within_ms * interval '1 millisecond' > $4 THEN $4
           END)
         FROM free WHERE command.id = free.id
         RETURNING command.id, free.dispatched_at
       )
       SELECT id, dispatched_at IS NULL AS "isFirstAttempt" FROM claimed`,
      [id, owner, LEASE_MS, now],
    )
    if (rows.length === 0) return null
    const command = await this.commands.find(id)
    return command && { ...command, isFirstAttempt: rows[0].isFirstAttempt }
  }

  /** Prolongs every lease of `owner`; returns those of its commands that somebody wants to end. */
  async renew(owner: string): Promise<{ cancelled: string[] }> {
    const { rows } = await this.database.pool.query(
      `UPDATE command SET lease_until = now() + $2 * interval '1 millisecond'
       WHERE lease_owner = $1 AND state IN ('pending', 'running') AND admitted_at IS NOT NULL
         AND lease_until IS NOT NULL
       RETURNING id, cancel_requested_at IS NOT NULL AS cancelled`,
      [owner, LEASE_MS],
    )
    return { cancelled: rows.filter((row) => row.cancelled).map((row) => row.id) }
  }

  /** Unfinished commands whose turn it is, that are due and that no other living server holds, oldest first. */
  async due(owner: string, now: Date, limit: number, except: readonly string[]): Promise<string[]> {
    const { rows } = await this.database.pool.query(
      `SELECT id FROM command
       WHERE state IN ('pending', 'running') AND admitted_at IS NOT NULL AND next_attempt_at <= $2
         AND (lease_until IS NULL OR lease_until < now() OR lease_owner = $1)
         AND NOT (id = ANY($4::uuid[]))
       ORDER BY next_attempt_at LIMIT $3`,
      [owner, now, limit, except],
    )
    return rows.map((row) => row.id)
  }

  async markRunning(id: string, owner: string, now: Date): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `UPDATE command SET state = 'running', started_at = coalesce(started_at, $3),
         unanswered_since = NULL, reason_code = NULL, reason = NULL
       WHERE id = $1 AND lease_owner = $2 AND state IN ('pending', 'running')`,
      [id, owner, now],
    )
    return rowCount === 1
  }

  /** Stores output that starts at `offset`, once: false when it is already there or the lease is gone. */
  async append(id: string, owner: string, offset: number, piece: OutputPiece): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `WITH moved AS (
         UPDATE command SET output_bytes = $4, unanswered_since = NULL
         WHERE id = $1 AND lease_owner = $2 AND output_bytes = $3 AND state IN ('pending', 'running')
         RETURNING id
       )
       INSERT INTO output_chunk (command_id, "offset", data, runs) SELECT id, $3, $5, $6 FROM moved`,
      [id, owner, offset, offset + piece.data.length, piece.data, piece.runs],
    )
    return rowCount === 1
  }

  /**
   * Ends a command whose output is stored, and counts how many of its host have failed in a row. Changes with it the
   * host that it installed or removed, unless a newer installation or removal of that host was begun. False when the lease is gone or it has ended already.
   */
  async finish(id: string, owner: string, ending: Ending, now: Date): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `WITH finished AS (
         UPDATE command SET state = $3, exit_code = $4, signal = $5, reason_code = $6, reason = $7,
           dropped_bytes = $8, lease_until = NULL, lease_owner = NULL, unanswered_since = NULL,
           ended_at = least(started_at + $9::float8 * interval '1 millisecond', $10)
         WHERE id = $1 AND lease_owner = $2 AND state IN ('pending', 'running')
         RETURNING id, host_id, kind
       ), counted AS (
         UPDATE roll SET failed_tasks = CASE WHEN $3 = 'success' THEN 0 ELSE roll.failed_tasks + 1 END,
           failed_task_at = CASE WHEN $3 = 'success' THEN roll.failed_task_at ELSE $10 END
         FROM finished WHERE roll.host_id = finished.host_id AND finished.kind = 'command'
           AND ($3 IN ('failed', 'timed_out') OR ($3 = 'success' AND roll.failed_tasks > 0))
       ), changed AS (
         UPDATE host SET state = $11, state_code = $6, state_reason = $7, state_since = $10 FROM finished
         WHERE $11::text IS NOT NULL AND host.id = finished.host_id AND host.last_provisioning = finished.id
       ), removed AS (
         DELETE FROM host USING finished
         WHERE $12 AND host.id = finished.host_id AND host.last_provisioning = finished.id
       )
       SELECT id FROM finished`,
      [
        id,
        owner,
        ending.state,
        ending.exitCode ?? null,
        ending.signal ?? null,
        ending.reasonCode ?? null,
        ending.reason ?? null,
        ending.droppedBytes ?? 0,
        ending.durationMs ?? null,
        now,
        ending.hostState ?? null,
        ending.isHostRemoved ?? false,
      ],
    )
    return rowCount === 1
  }

  /** Lets go of a command until `until`, and says why it waits. */
  async postpone(
    id: string,
    owner: string,
    wait: {
      until: Date
      unansweredSince: Date | null
      reasonCode: string
      reason: string
      /** The attempt certainly did nothing: the command counts as never tried again. */
      hasNotStarted: boolean
    },
  ): Promise<void> {
    await this.database.pool.query(
      `UPDATE command SET lease_owner = NULL, lease_until = NULL, next_attempt_at = $3,
         unanswered_since = $4, reason_code = $5, reason = $6,
         dispatched_at = CASE WHEN $7 AND state = 'pending' THEN NULL ELSE dispatched_at END
       WHERE id = $1 AND lease_owner = $2 AND state IN ('pending', 'running')`,
      [id, owner, wait.until, wait.unansweredSince, wait.reasonCode, wait.reason, wait.hasNotStarted],
    )
  }

  /** Lets go of everything, so that another server need not wait for the leases to run out. */
  async releaseLeases(owner: string): Promise<void> {
    await this.database.pool.query(
      'UPDATE command SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1',
      [owner],
    )
  }

  /**
   * Notes that a command is to end. One that was never dispatched ends here and now; returns what became of it, or
   * null when there is no such command.
   */
  async requestCancel(id: string, now: Date): Promise<'ended' | 'requested' | null> {
    const { rows } = await this.database.pool.query(`${CANCEL} WHERE id = $1 RETURNING state`, [id, now])
    if (rows.length === 0) return null
    return ['pending', 'running'].includes(rows[0].state) ? 'requested' : 'ended'
  }

  /** The same for every unfinished command of a run. */
  async requestCancelOfRun(runId: string, now: Date): Promise<{ id: string; hasEnded: boolean }[]> {
    return this.database.transaction(async (client) => {
      // The run first, as whoever lets its commands begin does.
      await client.query(
        'UPDATE run SET cancel_requested_at = coalesce(cancel_requested_at, $2) WHERE id = $1',
        [runId, now],
      )
      const { rows } = await client.query(
        `${CANCEL} WHERE run_id = $1 AND state IN ('pending', 'running') RETURNING id, state`,
        [runId, now],
      )
      return rows.map((row) => ({ id: row.id, hasEnded: row.state === 'cancelled' }))
    })
  }

  /** Commands that ended since `since` and that their agent still keeps, the oldest `perHost` of each host. */
  async unreleased(since: Date, perHost: number, limit: number): Promise<{ id: string; hostId: string }[]> {
    const { rows } = await this.database.pool.query(
      `SELECT id, host_id AS "hostId" FROM (
         SELECT id, host_id, ended_at, row_number() OVER (PARTITION BY host_id ORDER BY ended_at) AS place
         FROM command
         WHERE released_at IS NULL AND kind = 'command' AND state NOT IN ('pending', 'running')
           AND dispatched_at IS NOT NULL AND ended_at > $1
       ) AS kept WHERE place <= $2 ORDER BY ended_at LIMIT $3`,
      [since, perHost, limit],
    )
    return rows
  }

  async markReleased(id: string, now: Date): Promise<void> {
    await this.database.pool.query('UPDATE command SET released_at = $2 WHERE id = $1', [id, now])
  }

  /** Removes the output of commands that ended before `before`, of at most `limit` of them; returns of how many. */
  async removeOutput(before: Date, now: Date, limit: number): Promise<number> {
    const { rowCount } = await this.database.pool.query(
      `WITH old AS (
         SELECT id FROM command
         WHERE ended_at < $1 AND output_removed_at IS NULL AND output_bytes > 0
         ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
       ), removed AS (
         DELETE FROM output_chunk USING old WHERE command_id = old.id
       )
       UPDATE command SET output_removed_at = $2 FROM old WHERE command.id = old.id`,
      [before, now, limit],
    )
    return rowCount ?? 0
  }

  /** Stored pieces that hold bytes from `offset` on, about `maxBytes` of them. */
  async readPieces(
    id: string,
    offset: number,
    maxBytes: number,
  ): Promise<(OutputPiece & { offset: number })[]> {
    const { rows } = await this.database.pool.query(
      `WITH nearest AS (
         SELECT "offset", length(data) AS size FROM output_chunk
         WHERE command_id = $1 AND "offset" >= coalesce(
           (SELECT max("offset") FROM output_chunk WHERE command_id = $1 AND "offset" <= $2), 0)
         ORDER BY "offset" LIMIT 1000
       ), pieces AS (
         SELECT "offset", size, sum(size) OVER (ORDER BY "offset") AS total FROM nearest
       )
       SELECT output_chunk."offset", data, runs FROM output_chunk JOIN pieces USING ("offset")
       WHERE command_id = $1 AND total - size < $3 ORDER BY "offset"`,
      [id, offset, maxBytes],
    )
    return rows.map((row) => ({ offset: Number(row.offset), data: row.data, runs: row.runs }))
  }
}
