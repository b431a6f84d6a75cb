import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { ApplyRepository } from './apply.repository.ts'
import type { Operation } from './domain/operation.ts'

/** Operations on services: what they want of instances, which are carried out as orders are. */
@Injectable()
export class OperationsRepository {
  constructor(
    private readonly database: Database,
    private readonly applications: ApplyRepository,
  ) {}

  /** Stores that a service and the volumes named go, with a line in the history. */
  async remove(serviceId: string, volumes: readonly string[], by: string, at: Date): Promise<void> {
    await this.database.transaction(async (sql) => {
      await this.applications.removeService(sql, serviceId, volumes, by, at)
      const event = { kind: 'operation' as const, toState: 'remove', reason: volumes.join(', '), by, at }
      await this.applications.note(sql, serviceId, event)
    })
  }

  /** Stores what an operation wants, with a line in the history. One that was stored before does nothing more. */
  async store(operation: Operation): Promise<void> {
    await this.database.transaction(async (sql) => {
      const { serviceId, action, isWhole, at } = operation
      // Two requests with one id come one after the other.
      await sql.execute('SELECT 1 FROM service WHERE id = $1 FOR UPDATE', [serviceId])
      if (await isKnown(sql, operation)) return
      if (isWhole)
        await sql.execute(
          `UPDATE service SET wanted = CASE WHEN $2 = 'stop' THEN 'stopped' ELSE 'running' END, version = version + 1,
             halted_at = CASE WHEN $2 = 'stop' THEN halted_at END, reason = CASE WHEN $2 = 'stop' THEN reason END,
             updated_at = $3, updated_by = $4 WHERE id = $1`,
          [serviceId, action, at, operation.by],
        )
      await this[action](sql, operation)
      await sql.execute(
        `INSERT INTO instance_event (service_id, at, kind, to_state, code, reason, by) VALUES ($1, $2, 'operation', $3, $4, $5, $6)`,
        [serviceId, at, action, operation.id, await toWords(sql, operation), operation.by],
      )
    })
  }

  /** One that failed, or that was stopped on its host by somebody else, is started again. */
  private async start(sql: Sql, { instanceIds, at }: Operation): Promise<void> {
    await sql.execute(
      `UPDATE instance SET wanted = 'running', failures = 0, due_at = $2,
         running_generation = CASE WHEN state IN ('failed', 'stopped') THEN NULL ELSE running_generation END
       WHERE id = ANY($1) AND wanted <> 'gone'`,
      [instanceIds, at],
    )
  }

  /** One that somebody else has started on its host is stopped as well. */
  private async stop(sql: Sql, { instanceIds, at }: Operation): Promise<void> {
    await sql.execute(
      `UPDATE instance SET wanted = 'stopped', failures = 0, due_at = $2,
         begun_generation = CASE WHEN state = 'running' THEN greatest(begun_generation, generation) ELSE begun_generation END
       WHERE id = ANY($1) AND wanted <> 'gone'`,
      [instanceIds, at],
    )
  }

  private async restart(sql: Sql, { id, instanceIds, at }: Operation): Promise<void> {
    await sql.execute(
      `UPDATE instance SET wanted = 'running', failures = 0, restart_id = $3, due_at = $2
       WHERE id = ANY($1) AND wanted <> 'gone'`,
      [instanceIds, at, id],
    )
  }
}

async function isKnown(sql: Sql, { id, serviceId }: Operation): Promise<boolean> {
  const known = await sql.first(
    `SELECT 1 FROM instance_event WHERE service_id = $1 AND kind = 'operation' AND code = $2`,
    [serviceId, id],
  )
  return known !== null
}

async function toWords(sql: Sql, { isWhole, instanceIds }: Operation): Promise<string | null> {
  if (isWhole) return null
  const rows = await sql.query<{ slot: number }>(
    'SELECT slot FROM instance WHERE id = ANY($1) ORDER BY slot',
    [instanceIds],
  )
  return `slots ${rows.map(({ slot }) => slot).join(', ')}`.slice(0, 1000)
}
