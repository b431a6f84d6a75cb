import { Injectable } from '@nestjs/common'
import type { ServicePlanApplied } from '@rollcall/contracts/admin'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { PlanContent, PlanRecord } from './domain/plan-record.ts'

const COLUMNS = `id, project, digest, content, scope, requested_by AS "requestedBy", requester_id AS "requesterId", created_at AS "createdAt",
  applied_at AS "appliedAt", applied`
const MAX_AGE_MS = 86_400_000
/** Plans of one person that wait to be applied, and the bytes of all. */
const MAX_OPEN_PLANS = 50
const MAX_OPEN_BYTES = 256 * 1024 * 1024
/**
 * Selects plans that wait to be applied and are kept no longer, by their place and bytes among those of the same person, the newest first.
 * Who has the most makes room, so that nobody shuts out others.
 */
const SURPLUS = `SELECT id FROM (
    SELECT id, place, sum(bytes) OVER (ORDER BY own, id) AS total FROM (
      SELECT id, length(content) AS bytes, row_number() OVER newest AS place, sum(length(content)) OVER newest AS own
      FROM service_plan WHERE applied_at IS NULL
      WINDOW newest AS (PARTITION BY coalesce(requester_id, requested_by) ORDER BY created_at DESC, id)
    ) AS each
  ) AS plan WHERE place > $2 OR total > $3`

type Row = Omit<PlanRecord, 'content'> & { content: Buffer }

const toSealContext = (id: string) => `service-plan/${id}/content`

/** Keeps plans of services. The file is sealed with its variables. */
@Injectable()
export class PlansRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Stores a plan, and removes old and surplus ones that no revision came with. Returns false if there is one of this id. */
  async insert({ id, content, ...plan }: PlanRecord): Promise<boolean> {
    await this.database.execute(
      `DELETE FROM service_plan WHERE NOT EXISTS (SELECT 1 FROM service_revision WHERE plan_id = service_plan.id)
         AND (created_at < $1 OR id IN (${SURPLUS}))`,
      [new Date(plan.createdAt.getTime() - MAX_AGE_MS), MAX_OPEN_PLANS - 1, MAX_OPEN_BYTES],
    )
    const stored = await this.database.execute(
      `INSERT INTO service_plan (id, project, digest, content, scope, requested_by, requester_id, created_at)
       VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
      [
        id,
        plan.project,
        plan.digest,
        this.sealer.seal(JSON.stringify(content), toSealContext(id)),
        plan.scope && JSON.stringify(plan.scope),
        plan.requestedBy,
        plan.requesterId,
        plan.createdAt,
      ],
    )
    return stored === 1
  }

  async find(id: string, sql: Sql = this.database): Promise<PlanRecord | null> {
    const row = await sql.first<Row>(`SELECT ${COLUMNS} FROM service_plan WHERE id = $1`, [id])
    return row && { ...row, content: this.open(row) }
  }

  private open = ({ id, content }: Row) =>
    JSON.parse(this.sealer.open(content, toSealContext(id))) as PlanContent

  async markApplied(sql: Sql, id: string, applied: ServicePlanApplied, at: Date): Promise<void> {
    await sql.execute('UPDATE service_plan SET applied_at = $2, applied = $3::jsonb WHERE id = $1', [
      id,
      at,
      JSON.stringify(applied),
    ])
  }
}
