import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { ApplyRepository } from './apply.repository.ts'
import type { Operation } from './domain/operation.ts'

/** Operations on services: what they want of instances, which are carried out as orders are. */
@Injectable()
export class OperationsRepository {
  constructor(private readonly applications: ApplyRepository) {}

  /** Stores that a service and the volumes named go, with a line in the history. */
  async remove(sql: Sql, serviceId: string, volumes: readonly string[], by: string, at: Date): Promise<void> {
    await this.applications.removeService(sql, serviceId, volumes, by, at)
    const event = { kind: 'operation' as const, toState: 'remove', reason: volumes.join(', '), by, at }
    await this.applications.note(sql, serviceId, event)
  }

  /** Stores what an operation wants, with a line in the history. One that was stored before does nothing more. Throws `request.invalid`. */
  async store(sql: Sql, operation: Operation): Promise<void> {
    const { serviceId, action, isWhole, at } = operation
    const words = await toWords(sql, operation)
    if (await isKnown(sql, operation, words)) return
    // Locked as where slots have their turn.
    await sql.execute('SELECT 1 FROM service WHERE id = $1 FOR UPDATE', [serviceId])
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
      [serviceId, at, action, operation.id, words, operation.by],
    )
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

/** Returns whether an operation was stored before. Throws `request.invalid` where another one was under its id. */
async function isKnown(
  sql: Sql,
  { id, serviceId, action }: Operation,
  words: string | null,
): Promise<boolean> {
  const known = await sql.first(
    `SELECT to_state AS action, reason AS words FROM instance_event WHERE service_id = $1 AND kind = 'operation' AND code = $2`,
    [serviceId, id],
  )
  if (!known || (known.action === action && known.words === words)) return known !== null
  throw new RollcallError('request.invalid', `The id ${id} is that of another operation. Choose a new one.`, {
    fields: [{ field: 'operationId', message: 'is in use' }],
  })
}

async function toWords(sql: Sql, { isWhole, instanceIds }: Operation): Promise<string | null> {
  if (isWhole) return null
  const rows = await sql.query<{ slot: number }>(
    'SELECT slot FROM instance WHERE id = ANY($1) ORDER BY slot',
    [instanceIds],
  )
  return `slots ${rows.map(({ slot }) => slot).join(', ')}`.slice(0, 1000)
}
