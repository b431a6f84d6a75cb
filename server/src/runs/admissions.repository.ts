import { Injectable } from '@nestjs/common'
import type { Permission, RunLimits } from '@rollcall/contracts/admin'
import { type PrincipalRef, toPrincipalRef } from '../access/index.ts'
import { CommandLifecycleRepository, IS_HELD } from '../commands/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { Admissions, AdmissionView, Turn } from './domain/admissions.ts'
import { stopReason } from './domain/run.ts'

const ACTIVE = `position IS NOT NULL AND state IN (${OPEN_COMMANDS}) AND admitted_at IS NOT NULL`
/** Commands that one decision looks at, and so admits, at most; the next decision goes on. */
const LOOKED_AT = 1000

interface RequesterRow {
  kind: string
  requesterKind: string | null
  requesterId: string | null
}

/** Admissions of runs with limits, decided and stored under a lock on the run, so that two servers never admit twice. */
@Injectable()
export class AdmissionsRepository {
  constructor(
    private readonly database: Database,
    private readonly commands: CommandLifecycleRepository,
  ) {}

  /** Returns runs that hold commands back, after the run with the id `after`. */
  async admitting(after: string, limit: number): Promise<string[]> {
    return this.database.ids('SELECT id FROM run WHERE is_admitting AND id > $1 ORDER BY id LIMIT $2', [
      after,
      limit,
    ])
  }

  /** Finds who asked for a run, and what they need for it. Null where no person did, or the run is not there. */
  async requester(runId: string): Promise<{ requester: PrincipalRef; permission: Permission } | null> {
    const run = await this.database.first<RequesterRow>(
      'SELECT kind, requester_kind AS "requesterKind", requester_id AS "requesterId" FROM run WHERE id = $1',
      [runId],
    )
    const requester = run && toPrincipalRef(run.requesterKind, run.requesterId)
    return requester && { requester, permission: run.kind === 'playbook' ? 'playbooks:run' : 'commands:run' }
  }

  /** Returns the ids of the hosts on which a run has not begun. */
  async heldHosts(runId: string): Promise<string[]> {
    return this.database.ids(`SELECT host_id AS id FROM command WHERE run_id = $1 AND ${IS_HELD}`, [runId])
  }

  /** Stores what `decide` returns for the run as it is, if commands of it wait for their turn. */
  async decide(runId: string, now: Date, decide: (view: AdmissionView) => Admissions): Promise<Turn> {
    return this.database.transaction(async (transaction) => {
      const turn: Turn = { runId, admitted: [], stopped: [], hasMore: false }
      const run = await transaction.first<{ limits: RunLimits | null; total: number }>(
        'SELECT limits, total FROM run WHERE id = $1 AND is_admitting FOR NO KEY UPDATE',
        [runId],
      )
      if (!run) return turn
      const { admit, stop } = decide(await this.view(transaction, runId, run.limits ?? {}, run.total))
      turn.hasMore = admit.length === LOOKED_AT
      if (admit.length > 0) turn.admitted = await this.commands.admit(transaction, admit, now)
      if (stop) turn.stopped = await this.commands.endHeld(transaction, runId, stopReason(stop), now)
      await transaction.execute(
        `UPDATE run SET is_admitting = false, stopped_at = $2
         WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM command WHERE run_id = $1 AND ${IS_HELD})`,
        [runId, stop ? now : null],
      )
      return turn
    })
  }

  private async view(
    transaction: Sql,
    runId: string,
    limits: RunLimits,
    total: number,
  ): Promise<AdmissionView> {
    const held = await transaction.query<AdmissionView['held'][number]>(
      `SELECT id, position FROM command WHERE run_id = $1 AND ${IS_HELD} ORDER BY position LIMIT ${LOOKED_AT}`,
      [runId],
    )
    const others = await transaction.one<Pick<AdmissionView, 'active' | 'failed'>>(
      `SELECT (SELECT coalesce(array_agg(position), '{}') FROM command WHERE run_id = $1 AND ${ACTIVE}) AS active,
         (SELECT count(*)::int FROM command
          WHERE run_id = $1 AND state IN ('failed', 'timed_out', 'lost') AND $2) AS failed`,
      [runId, limits.stopAfterFailures !== undefined],
    )
    return { limits, total, held, ...others }
  }
}
