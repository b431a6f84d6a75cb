import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { ChangingService, ChangingSlot } from './domain/service-change.ts'

/** A slot waits for its turn. */
const IS_WAITING = `instance.wanted = 'running' AND instance.admitted_at IS NULL AND instance.state <> 'unplaced'`

/** Services that change: their slots, in the order of their admission. */
@Injectable()
export class ServiceChangesRepository {
  constructor(private readonly database: Database) {}

  /** Returns services with something to decide: slots that wait, instances that make room, removals, and revisions that may be proven. */
  unsettled(limit: number): Promise<string[]> {
    return this.database.ids(
      `SELECT id FROM service WHERE wanted = 'gone'
         OR (halted_at IS NULL AND EXISTS (SELECT 1 FROM instance WHERE service_id = service.id AND ${IS_WAITING}))
         OR (halted_at IS NULL AND revision_id IS DISTINCT FROM proven_revision_id)
       ORDER BY random() LIMIT $1`,
      [limit],
    )
  }

  /** Locks a service for a decision. Does nothing where another server has it. */
  decide(
    id: string,
    work: (sql: Sql, service: ChangingService, slots: ChangingSlot[]) => Promise<void>,
  ): Promise<void> {
    return this.database.transaction(async (sql) => {
      const service = await sql.first<ChangingService>(
        `SELECT id, wanted, halted_at AS "haltedAt", revision_id AS "revisionId", proven_revision_id AS "provenRevisionId"
         FROM service WHERE id = $1 FOR UPDATE SKIP LOCKED`,
        [id],
      )
      if (service) await work(sql, service, await this.slots(sql, id))
    })
  }

  /** Lists all instances of a service, those that leave included. */
  private slots(sql: Sql, serviceId: string): Promise<ChangingSlot[]> {
    return sql.query<ChangingSlot>(
      `SELECT instance.id, project || '/' || name || '.' || slot AS name, slot, generation, instance.wanted, state, health,
         instance.reason, instance.revision_id AS "revisionId", running_revision_id AS "runningRevisionId",
         coalesce(running_generation, 0) AS "startedGeneration", begun_generation AS "begunGeneration",
         admitted_at AS "admittedAt", replaced_by AS "replacedBy",
         failures > 0 AND failed_generation = generation AND failed_wanted = instance.wanted AND retry_at IS NULL AS "isGivenUp",
         failure_reason AS "failureReason"
       FROM instance JOIN service ON service.id = service_id WHERE service_id = $1 ORDER BY slot`,
      [serviceId],
    )
  }

  /** Admits instances, and has others leave their hosts. */
  async admit(sql: Sql, ids: readonly string[], leaving: readonly string[], now: Date): Promise<void> {
    await sql.execute('UPDATE instance SET admitted_at = $2, due_at = $2 WHERE id = ANY($1)', [ids, now])
    await sql.execute(`UPDATE instance SET wanted = 'gone', due_at = $2 WHERE id = ANY($1)`, [leaving, now])
  }

  /** Stops a change where it stands, with a line in the history. */
  async halt(sql: Sql, id: string, reason: string, now: Date): Promise<void> {
    await sql.execute('UPDATE service SET halted_at = $2, reason = $3 WHERE id = $1', [id, now, reason])
    await sql.execute(
      `INSERT INTO instance_event (service_id, at, kind, to_state, reason) VALUES ($1, $2, 'halted', 'halted', $3)`,
      [id, now, reason],
    )
  }

  /** Stores that a revision runs and is well on every instance. */
  async prove(sql: Sql, id: string, revisionId: string): Promise<void> {
    await sql.execute('UPDATE service SET proven_revision_id = $2 WHERE id = $1', [id, revisionId])
  }

  /** Forgets a service that nothing is left of. Its history stays. */
  async forget(sql: Sql, id: string): Promise<void> {
    await sql.execute('DELETE FROM service WHERE id = $1', [id])
  }
}
