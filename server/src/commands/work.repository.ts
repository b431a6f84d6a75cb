import { Injectable } from '@nestjs/common'
import { Batcher } from '../platform/batcher.ts'
import { Database } from '../platform/prisma/database.ts'
import { COMMAND_COLUMNS, CommandsRepository } from './commands.repository.ts'
import type { ClaimedCommand, Ending, OutputPiece } from './domain/command.ts'
import type { OutputState } from './domain/output-bound.ts'

/** An installation or removal has a host's state to put right, so it always ends in the hands of its handler. */
const NEVER_TRIED =
  "state = 'pending' AND dispatched_at IS NULL AND kind IN ('command', 'terminal', 'playbook')"

/** Of one command or many, at the moment `$2`. */
const CANCEL = `UPDATE command SET
  cancel_requested_at = CASE WHEN state IN ('pending', 'running') THEN coalesce(cancel_requested_at, $2) ELSE cancel_requested_at END,
  ended_at = CASE WHEN ${NEVER_TRIED} THEN $2 ELSE ended_at END,
  reason = CASE WHEN ${NEVER_TRIED} THEN 'Cancelled before it started.' ELSE reason END,
  next_attempt_at = CASE WHEN state IN ('pending', 'running') THEN $2 ELSE next_attempt_at END,
  state = CASE WHEN ${NEVER_TRIED} THEN 'cancelled' ELSE state END`

/** How long a server holds a command without saying that it still lives. */
export const LEASE_MS = 15_000

/** Pieces of output up to this size are stored together with others. */
const SMALL_PIECE_BYTES = 8192

interface Claim {
  id: string
  owner: string
  now: Date
}
type Start = Claim
type Release = Omit<Claim, 'owner'>

interface Piece {
  id: string
  owner: string
  offset: number
  piece: OutputPiece
  bound: { before: OutputState; next: OutputState }
}

const UNCUT: OutputState = { storedBytes: 0, markBytes: 0, cutBytes: 0, isCut: false }

interface Finish extends Claim {
  ending: Ending
}

/**
 * What drives commands: leases, output and endings. Every statement that changes a command names the lease that it
 * is made under, so a server that lost its lease changes nothing. One instance works for one server: statements that
 * come together are made as one, under the owner of the first.
 */
@Injectable()
export class WorkRepository {
  // Runs on many hosts do the same to many commands at once.
  private readonly claims = new Batcher((items: Claim[]) => this.claimAll(items))
  private readonly starts = new Batcher((items: Start[]) => this.markAllRunning(items))
  private readonly pieces = new Batcher((items: Piece[]) => this.appendAll(items))
  private readonly endings = new Batcher((items: Finish[]) => this.finishAll(items))
  private readonly releases = new Batcher((items: Release[]) => this.markAllReleased(items))

  constructor(
    private readonly database: Database,
    private readonly commands: CommandsRepository,
  ) {}

  /**
   * Takes an unfinished command whose turn it is and that nobody else holds, and in the same statement marks it as dispatched where it is
   * going to be tried: if we die a moment later, it counts as one that may have started.
   */
  claim(id: string, owner: string, now: Date): Promise<ClaimedCommand | null> {
    return this.claims.add({ id, owner, now })
  }

  private async claimAll(claims: readonly Claim[]): Promise<(ClaimedCommand | null)[]> {
    const [{ owner, now }] = claims as [Claim]
    const { rows } = await this.database.pool.query(
      `WITH free AS (
         SELECT id, dispatched_at FROM command
         WHERE id = ANY($1::uuid[]) AND state IN ('pending', 'running') AND admitted_at IS NOT NULL
           AND (lease_until IS NULL OR lease_until < now() OR lease_owner = $2)
         FOR UPDATE SKIP LOCKED
       )
       UPDATE command SET
         lease_owner = $2,
         lease_until = now() + $3 * interval '1 millisecond',
         dispatched_at = coalesce(command.dispatched_at, CASE
           WHEN cancel_requested_at IS NULL AND admitted_at + start_within_ms * interval '1 millisecond' > $4 THEN $4
         END)
       FROM free WHERE command.id = free.id
       RETURNING ${COMMAND_COLUMNS}, free.dispatched_at IS NULL AS "isFirstAttempt"`,
      [claims.map(({ id }) => id), owner, LEASE_MS, now],
    )
    const claimed = new Map<string, ClaimedCommand>(
      rows.map((row) => [row.id, { ...this.commands.fromRow(row), isFirstAttempt: row.isFirstAttempt }]),
    )
    return claims.map(({ id }) => claimed.get(id) ?? null)
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

  markRunning(id: string, owner: string, now: Date): Promise<boolean> {
    return this.starts.add({ id, owner, now })
  }

  private async markAllRunning(starts: readonly Start[]): Promise<boolean[]> {
    const { rows } = await this.database.pool.query(
      `UPDATE command SET state = 'running', started_at = coalesce(started_at, start.at),
         unanswered_since = NULL, reason_code = NULL, reason = NULL
       FROM unnest($1::uuid[], $2::timestamptz[]) AS start(id, at)
       WHERE command.id = start.id AND lease_owner = $3 AND state IN ('pending', 'running')
       RETURNING command.id`,
      [starts.map(({ id }) => id), starts.map(({ now }) => now), starts[0]?.owner],
    )
    return whichOf(starts, rows)
  }

  /** Stores output that starts at `offset`, once: false when it is already there or the lease is gone. */
  append(
    id: string,
    owner: string,
    offset: number,
    piece: OutputPiece,
    bound: Piece['bound'] = { before: UNCUT, next: UNCUT },
  ): Promise<boolean> {
    const item = { id, owner, offset, piece, bound }
    // In an array of bytes each takes two characters; a large piece costs more so than it saves.
    if (piece.data.length > SMALL_PIECE_BYTES)
      return this.appendAll([item]).then(([isStored]) => isStored === true)
    return this.pieces.add(item)
  }

  private async appendAll(pieces: readonly Piece[]): Promise<boolean[]> {
    const [first] = pieces as [Piece]
    const { rows } = await this.database.pool.query(
      `WITH piece AS (
         SELECT id, start, data, runs::int[] AS runs, was_cut, cut, marked, is_cut
         FROM unnest($1::uuid[], $2::int8[], ${pieces.length === 1 ? 'ARRAY[$3::bytea]' : '$3::bytea[]'}, $4::text[],
           $6::int8[], $7::int8[], $8::int8[], $9::bool[]) AS piece(id, start, data, runs, was_cut, cut, marked, is_cut)
       ), moved AS (
         UPDATE command SET output_bytes = piece.start + length(piece.data), unanswered_since = NULL,
           output_cut_bytes = cut, output_mark_bytes = marked, is_output_cut = is_cut,
           dropped_bytes = dropped_bytes + cut - was_cut
         FROM piece
         WHERE command.id = piece.id AND lease_owner = $5 AND output_bytes = piece.start AND output_cut_bytes = was_cut
           AND state IN ('pending', 'running')
         RETURNING command.id, piece.start, piece.data, piece.runs
       ), added AS (
         INSERT INTO output_chunk (command_id, "offset", data, runs) SELECT id, start, data, runs FROM moved WHERE length(data) > 0
       )
       SELECT id FROM moved`,
      [
        pieces.map(({ id }) => id),
        pieces.map(({ offset }) => offset),
        pieces.length === 1 ? first.piece.data : pieces.map(({ piece }) => piece.data),
        pieces.map(({ piece }) => `{${piece.runs.join(',')}}`),
        first.owner,
        pieces.map(({ bound }) => bound.before.cutBytes),
        pieces.map(({ bound }) => bound.next.cutBytes),
        pieces.map(({ bound }) => bound.next.markBytes),
        pieces.map(({ bound }) => bound.next.isCut),
      ],
    )
    return whichOf(pieces, rows)
  }

  /**
   * Ends a command whose output is stored, and counts how many of its host have failed in a row. Changes with it the
   * host that it installed or removed, unless a newer installation or removal of that host was begun. False when the lease is gone or it has ended already.
   */
  finish(id: string, owner: string, ending: Ending, now: Date): Promise<boolean> {
    return this.endings.add({ id, owner, ending, now })
  }

  private async finishAll(items: readonly Finish[]): Promise<boolean[]> {
    const { rows } = await this.database.pool.query(
      `WITH ending AS (
         SELECT * FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::int8[],
           $9::float8[], $10::timestamptz[], $11::text[], $12::bool[])
           AS ending(id, state, exit_code, signal, reason_code, reason, dropped_bytes, duration_ms, at, host_state, is_host_removed)
       ), finished AS (
         UPDATE command SET state = ending.state, exit_code = ending.exit_code, signal = ending.signal,
           reason_code = ending.reason_code, reason = ending.reason, dropped_bytes = ending.dropped_bytes + output_cut_bytes,
           lease_until = NULL, lease_owner = NULL, unanswered_since = NULL,
           started_at = coalesce(started_at, ending.at - ending.duration_ms * interval '1 millisecond'),
           ended_at = least(started_at + ending.duration_ms * interval '1 millisecond', ending.at)
         FROM ending
         WHERE command.id = ending.id AND lease_owner = $1 AND command.state IN ('pending', 'running')
         RETURNING command.id, command.host_id, command.kind, ending.state, ending.reason_code, ending.reason, ending.at,
           ending.host_state, ending.is_host_removed
       ), counts AS (
         SELECT host_id, bool_or(state = 'success') AS has_success, count(*) FILTER (WHERE state <> 'success') AS failures,
           max(at) AS at
         FROM finished WHERE kind = 'command' AND state IN ('success', 'failed', 'timed_out') GROUP BY host_id
       ), counted AS (
         UPDATE roll SET failed_tasks = CASE WHEN counts.has_success THEN 0 ELSE roll.failed_tasks END + counts.failures,
           failed_task_at = CASE WHEN counts.failures = 0 THEN roll.failed_task_at ELSE counts.at END
         FROM counts WHERE roll.host_id = counts.host_id AND (counts.failures > 0 OR roll.failed_tasks > 0)
       ), changed AS (
         UPDATE host SET state = finished.host_state, state_code = finished.reason_code, state_reason = finished.reason,
           state_since = finished.at
         FROM finished
         WHERE finished.host_state IS NOT NULL AND host.id = finished.host_id AND host.last_provisioning = finished.id
       ), removed AS (
         DELETE FROM host USING finished
         WHERE finished.is_host_removed AND host.id = finished.host_id AND host.last_provisioning = finished.id
       )
       SELECT id FROM finished`,
      [
        items[0]?.owner,
        items.map(({ id }) => id),
        items.map(({ ending }) => ending.state),
        items.map(({ ending }) => ending.exitCode ?? null),
        items.map(({ ending }) => ending.signal ?? null),
        items.map(({ ending }) => ending.reasonCode ?? null),
        items.map(({ ending }) => ending.reason ?? null),
        items.map(({ ending }) => ending.droppedBytes ?? 0),
        items.map(({ ending }) => ending.durationMs ?? null),
        items.map(({ now }) => now),
        items.map(({ ending }) => ending.hostState ?? null),
        items.map(({ ending }) => ending.isHostRemoved ?? false),
      ],
    )
    return whichOf(items, rows)
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
         WHERE released_at IS NULL AND kind IN ('command', 'terminal', 'playbook') AND state NOT IN ('pending', 'running')
           AND dispatched_at IS NOT NULL AND ended_at > $1
       ) AS kept WHERE place <= $2 ORDER BY ended_at LIMIT $3`,
      [since, perHost, limit],
    )
    return rows
  }

  async markReleased(id: string, now: Date): Promise<void> {
    await this.releases.add({ id, now })
  }

  private async markAllReleased(items: readonly Release[]): Promise<undefined[]> {
    await this.database.pool.query('UPDATE command SET released_at = $2 WHERE id = ANY($1::uuid[])', [
      items.map(({ id }) => id),
      items[0]?.now,
    ])
    return items.map(() => undefined)
  }

  async countUnfinished(): Promise<Partial<Record<'held' | 'pending' | 'running', number>>> {
    const { rows } = await this.database.pool.query(
      `SELECT CASE WHEN admitted_at IS NULL THEN 'held' ELSE state END AS state, count(*)::int AS count
       FROM command WHERE state IN ('pending', 'running') GROUP BY 1`,
    )
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
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

  /** Bytes of output that are stored, of all commands. */
  async sumOutput(): Promise<number> {
    const { rows } = await this.database.pool.query(
      'SELECT coalesce(sum(output_bytes), 0)::float8 AS bytes FROM command WHERE output_removed_at IS NULL AND output_bytes > 0',
    )
    return rows[0].bytes
  }

  /** Removes the output of those commands that ended first, until `bytes` have gone or at most `limit` of them; says what went. */
  async removeOldestOutput(
    bytes: number,
    now: Date,
    limit: number,
  ): Promise<{ commands: number; bytes: number }> {
    const { rows } = await this.database.pool.query(
      `WITH ended AS (
         SELECT id, ended_at, output_bytes FROM command
         WHERE ended_at IS NOT NULL AND output_removed_at IS NULL AND output_bytes > 0
         ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
       ), old AS (
         SELECT id, output_bytes FROM (
           SELECT id, output_bytes, sum(output_bytes) OVER (ORDER BY ended_at, id) AS sum FROM ended
         ) AS summed WHERE sum - output_bytes < $1
       ), removed AS (
         DELETE FROM output_chunk USING old WHERE command_id = old.id
       ), noted AS (
         UPDATE command SET output_removed_at = $2 FROM old WHERE command.id = old.id
       )
       SELECT count(*)::int AS commands, coalesce(sum(output_bytes), 0)::float8 AS bytes FROM old`,
      [bytes, now, limit],
    )
    return rows[0]
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

/** Of each item, whether a row came back for it. */
function whichOf(items: readonly { id: string }[], rows: readonly { id: string }[]): boolean[] {
  const changed = new Set(rows.map(({ id }) => id))
  return items.map(({ id }) => changed.has(id))
}
