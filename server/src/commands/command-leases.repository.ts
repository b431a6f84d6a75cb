import { Injectable } from '@nestjs/common'
import { Batcher } from '../platform/batcher.ts'
import { isAcquirable } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import { COMMAND_COLUMNS, type CommandRow, CommandsRepository } from './commands.repository.ts'
import type { LeasedCommand } from './domain/command.ts'
import type { Wait } from './domain/next-step.ts'

interface Acquisition {
  id: string
  owner: string
  now: Date
}

/**
 * Which server drives which command. Every statement that changes a command names the lease that it is made under, so a
 * server that lost its lease changes nothing. One instance works for one server: acquisitions that come together are made
 * in one statement, under the owner of the first.
 */
@Injectable()
export class CommandLeasesRepository {
  // Runs on many hosts begin many commands at once.
  private readonly acquisitions = new Batcher((items: Acquisition[]) => this.acquireAll(items))

  constructor(
    private readonly database: Database,
    private readonly commands: CommandsRepository,
  ) {}

  /**
   * Leases an unfinished command whose turn it is and that no other server holds, and marks it as dispatched in the same
   * statement where it is going to be tried: if this server dies a moment later, it counts as one that may have started.
   * Returns null when it is not to be had.
   */
  acquire(id: string, owner: string, now: Date): Promise<LeasedCommand | null> {
    return this.acquisitions.add({ id, owner, now })
  }

  private async acquireAll(items: readonly Acquisition[]): Promise<(LeasedCommand | null)[]> {
    const [{ owner, now }] = items as [Acquisition]
    const rows = await this.database.query<CommandRow & Pick<LeasedCommand, 'isFirstAttempt'>>(
      `WITH free AS (
         SELECT id, dispatched_at FROM command
         WHERE id = ANY($1::uuid[]) AND state IN (${OPEN_COMMANDS}) AND admitted_at IS NOT NULL
           AND ${isAcquirable('command', '$2')}
         FOR UPDATE SKIP LOCKED
       )
       UPDATE command SET
         lease_owner = $2,
         dispatched_at = coalesce(command.dispatched_at, CASE
           WHEN cancel_requested_at IS NULL AND admitted_at + start_within_ms * interval '1 millisecond' > $3 THEN $3
         END)
       FROM free WHERE command.id = free.id
       RETURNING ${COMMAND_COLUMNS}, free.dispatched_at IS NULL AS "isFirstAttempt"`,
      [items.map(({ id }) => id), owner, now],
    )
    const leased = new Map<string, LeasedCommand>(
      rows.map((row) => [row.id, { ...this.commands.fromRow(row), isFirstAttempt: row.isFirstAttempt }]),
    )
    return items.map(({ id }) => leased.get(id) ?? null)
  }

  /** Returns which of these commands somebody wants to end. */
  async cancelRequested(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    return this.database.ids(
      'SELECT id FROM command WHERE id = ANY($1::uuid[]) AND cancel_requested_at IS NOT NULL',
      [ids],
    )
  }

  /**
   * Returns unfinished commands whose turn it is, that are due and that `owner` may acquire, oldest first.
   */
  async due(owner: string, now: Date, limit: number, except: readonly string[]): Promise<string[]> {
    return this.database.ids(
      `SELECT id FROM command
       WHERE state IN (${OPEN_COMMANDS}) AND admitted_at IS NOT NULL AND next_attempt_at <= $2
         AND ${isAcquirable('command', '$1')}
         AND NOT (id = ANY($4::uuid[]))
       ORDER BY next_attempt_at LIMIT $3`,
      [owner, now, limit, except],
    )
  }

  /** Releases a command until its next attempt, and stores why it waits. */
  async release(id: string, owner: string, wait: Wait): Promise<void> {
    await this.database.execute(
      `UPDATE command SET lease_owner = NULL, next_attempt_at = $3,
         unanswered_since = $4, reason_code = $5, reason = $6,
         dispatched_at = CASE WHEN $7 AND state = 'pending' THEN NULL ELSE dispatched_at END
       WHERE id = $1 AND lease_owner = $2 AND state IN (${OPEN_COMMANDS})`,
      [id, owner, wait.until, wait.unansweredSince, wait.reasonCode, wait.reason, wait.notStarted],
    )
  }
}
