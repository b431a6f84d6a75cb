import { Injectable } from '@nestjs/common'
import { type CommandKind, type CommandState, isFinalState } from '@rollcall/contracts/admin'
import { Batcher, toMatches } from '../platform/batcher.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { EndedCommand, Ending } from './domain/command.ts'

/** SQL: a command of a run with limits waits for its turn. */
export const IS_HELD = "position IS NOT NULL AND state = 'pending' AND admitted_at IS NULL"

/** An installation or removal has a host's state to put right, so it always ends in the hands of its handler. */
const NEVER_TRIED =
  "state = 'pending' AND dispatched_at IS NULL AND kind IN ('command', 'terminal', 'playbook')"

/** Cancels one command or many at the moment `$2`. */
const CANCEL = `UPDATE command SET
  cancel_requested_at = CASE WHEN state IN (${OPEN_COMMANDS}) THEN coalesce(cancel_requested_at, $2) ELSE cancel_requested_at END,
  ended_at = CASE WHEN ${NEVER_TRIED} THEN $2 ELSE ended_at END,
  reason = CASE WHEN ${NEVER_TRIED} THEN 'Cancelled before it started.' ELSE reason END,
  next_attempt_at = CASE WHEN state IN (${OPEN_COMMANDS}) THEN $2 ELSE next_attempt_at END,
  state = CASE WHEN ${NEVER_TRIED} THEN 'cancelled' ELSE state END`

interface Start {
  id: string
  owner: string
  now: Date
}

interface End extends Start {
  ending: Ending
}

/** Changes what is another feature's, together with the end of commands: all of it is committed, or none. Throws to undo it. */
export type EndingHook = (transaction: Sql, ended: readonly EndedCommand[]) => Promise<void>

interface KindsHook {
  kinds: readonly CommandKind[]
  hook: EndingHook
}

/**
 * How commands start, end and are cancelled. One instance works for one server: starts and ends that come together are
 * stored together, under the owner of the first.
 */
@Injectable()
export class CommandLifecycleRepository {
  // Runs on many hosts start and end many commands at once.
  private readonly starts = new Batcher((items: Start[]) => this.startAll(items))
  private readonly ends = new Batcher((items: End[]) => this.endAll(items))
  private readonly endsWithHooks = new Batcher((items: End[]) => this.endAllWithHooks(items))
  private readonly hooks: KindsHook[] = []
  private readonly additions: string[] = []

  constructor(private readonly database: Database) {}

  /**
   * Registers what changes in the same transaction in which commands of these kinds end that a server drives. One that is cancelled
   * before any server has tried it has done nothing on its host, and no hook hears of it.
   */
  onCommandEnded(kinds: readonly CommandKind[], hook: EndingHook): void {
    this.hooks.push({ kinds, hook })
  }

  /**
   * Adds common table expressions to the statement in which commands end, for what each end changes: a statement of its own costs more
   * than a short command. They read `ended(id, host_id, kind, state, at)`, a row for each that ended.
   */
  addToEnd(expressions: string): void {
    this.additions.push(expressions)
  }

  /** Marks a command as running. Returns false when the lease is gone. */
  start(id: string, owner: string, now: Date): Promise<boolean> {
    return this.starts.add({ id, owner, now })
  }

  private async startAll(items: readonly Start[]): Promise<boolean[]> {
    const rows = await this.database.query<{ id: string }>(
      `UPDATE command SET state = 'running', started_at = coalesce(started_at, start.at),
         unanswered_since = NULL, reason_code = NULL, reason = NULL
       FROM unnest($1::uuid[], $2::timestamptz[]) AS start(id, at)
       WHERE command.id = start.id AND lease_owner = $3 AND state IN (${OPEN_COMMANDS})
       RETURNING command.id`,
      [items.map(({ id }) => id), items.map(({ now }) => now), items[0]?.owner],
    )
    return toMatches(items, rows)
  }

  /** Ends a command whose output is stored, with what the hooks change. Returns false when the lease is gone or it has ended already. */
  async end(id: string, owner: string, ending: Ending, now: Date): Promise<boolean> {
    const item = { id, owner, ending, now }
    return (await this.ends.add(item)) || (this.hooks.length > 0 && this.endsWithHooks.add(item))
  }

  /** Ends those of which no hook hears, in one statement: they are the most by far. */
  private async endAll(items: readonly End[]): Promise<boolean[]> {
    return toMatches(items, await this.storeEnds(this.database, items, { areHooked: false }))
  }

  private endAllWithHooks(items: readonly End[]): Promise<boolean[]> {
    return this.database.transaction(async (transaction) => {
      const rows = await this.storeEnds(transaction, items, { areHooked: true })
      const itemsById = new Map(items.map((item) => [item.id, item]))
      const ended = rows.flatMap(({ id, hostId, kind }): EndedCommand[] => {
        const item = itemsById.get(id)
        return item ? [{ id, hostId, kind, ending: item.ending, at: item.now }] : []
      })
      for (const { kinds, hook } of this.hooks) {
        const heard = ended.filter(({ kind }) => kinds.includes(kind))
        if (heard.length > 0) await hook(transaction, heard)
      }
      return toMatches(items, rows)
    })
  }

  private async storeEnds(
    sql: Sql,
    items: readonly End[],
    { areHooked }: { areHooked: boolean },
  ): Promise<{ id: string; hostId: string; kind: CommandKind }[]> {
    return sql.query(
      `WITH ended AS (
         UPDATE command SET state = ending.state, exit_code = ending.exit_code, signal = ending.signal,
           reason_code = ending.reason_code, reason = ending.reason, dropped_bytes = ending.dropped_bytes + output_cut_bytes,
           lease_owner = NULL, unanswered_since = NULL,
           started_at = coalesce(started_at, ending.at - ending.duration_ms * interval '1 millisecond'),
           ended_at = least(started_at + ending.duration_ms * interval '1 millisecond', ending.at)
         FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::float8[], $10::timestamptz[])
           AS ending(id, state, exit_code, signal, reason_code, reason, dropped_bytes, duration_ms, at)
         WHERE command.id = ending.id AND lease_owner = $1 AND command.state IN (${OPEN_COMMANDS})
           AND (command.kind = ANY($11::text[])) = $12
         RETURNING command.id, command.host_id, command.kind, command.state, ending.at
       )${this.additions.map((expressions) => `, ${expressions}`).join('')}
       SELECT id, host_id AS "hostId", kind FROM ended`,
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
        this.hooks.flatMap(({ kinds }) => kinds),
        areHooked,
      ],
    )
  }

  /**
   * Requests that a command end; one that was never tried ends at once. Returns what became of it, or null when there is no such
   * command.
   */
  async requestCancel(id: string, now: Date): Promise<'ended' | 'requested' | null> {
    const sql = `${CANCEL} WHERE id = $1 RETURNING state`
    const command = await this.database.first<{ state: CommandState }>(sql, [id, now])
    return command && (isFinalState(command.state) ? 'ended' : 'requested')
  }

  /** Requests that every unfinished command of a run end, as `requestCancel` does. Returns what became of each. */
  async requestCancelOfRun(
    transaction: Sql,
    runId: string,
    now: Date,
  ): Promise<{ id: string; hasEnded: boolean }[]> {
    const rows = await transaction.query<{ id: string; state: CommandState }>(
      `${CANCEL} WHERE run_id = $1 AND state IN (${OPEN_COMMANDS}) RETURNING id, state`,
      [runId, now],
    )
    return rows.map(({ id, state }) => ({ id, hasEnded: state === 'cancelled' }))
  }

  /** Admits held commands: it is their turn. Returns the ids of those that were held. */
  async admit(transaction: Sql, ids: readonly string[], now: Date): Promise<string[]> {
    return transaction.ids(
      `UPDATE command SET admitted_at = $2, next_attempt_at = $2
       WHERE id = ANY($1::uuid[]) AND ${IS_HELD} RETURNING id`,
      [ids, now],
    )
  }

  /** Ends the held commands of a run, which will not begin. Returns their ids. */
  async endHeld(transaction: Sql, runId: string, reason: string, now: Date): Promise<string[]> {
    return transaction.ids(
      `UPDATE command SET state = 'cancelled', reason_code = 'run.stopped', reason = $3, ended_at = $2
       WHERE run_id = $1 AND ${IS_HELD} RETURNING id`,
      [runId, now, reason],
    )
  }

  /** Counts commands that have not ended, by state. */
  async countUnfinished(): Promise<Partial<Record<'held' | 'pending' | 'running', number>>> {
    const rows = await this.database.query<{
      state: string
      count: number
    }>(`SELECT CASE WHEN admitted_at IS NULL THEN 'held' ELSE state END AS state, count(*)::int AS count
       FROM command WHERE state IN (${OPEN_COMMANDS}) GROUP BY 1`)
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
  }
}
