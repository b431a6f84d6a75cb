import { Injectable } from '@nestjs/common'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { ManagedPlaybook } from '../playbooks/index.ts'
import { toRevisionDigest } from './domain/plan/digest.ts'
import type { RevisionRecord } from './domain/revision.ts'
import {
  needsOf,
  type ResolvedService,
  type ServiceDefinition,
  type ServiceRevision,
} from './domain/service.ts'

interface Row {
  id: string
  serviceId: string
  number: number
  digest: string
  spec: Buffer
  images: ServiceRevision['images']
  secrets: ServiceRevision['secrets']
  planId: string | null
  createdAt: Date
  createdBy: string
}

const COLUMNS = `id, service_id AS "serviceId", number, digest, spec, images, secrets, plan_id AS "planId",
  created_at AS "createdAt", created_by AS "createdBy"`

const toSealContext = (id: string) => `service-revision/${id}/spec`

const toPlaybookColumn = ({ name, collection }: ManagedPlaybook) => ({
  name,
  collection: collection?.name ?? null,
  version: collection?.version ?? null,
})

/** Keeps revisions of services. What they are to run is sealed, since variables often hold secrets. */
@Injectable()
export class RevisionsRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Opens revisions by id. Ids of none are left out. */
  async open(ids: readonly string[], sql: Sql = this.database): Promise<Map<string, ServiceRevision>> {
    const rows = await sql.query<Row>(`SELECT ${COLUMNS} FROM service_revision WHERE id = ANY($1::uuid[])`, [
      [...new Set(ids)],
    ])
    return new Map(rows.map((row) => [row.id, this.fromRow(row)]))
  }

  /** Lists the newest revisions of a service, newest first. */
  async list(serviceId: string, limit: number): Promise<RevisionRecord[]> {
    const rows = await this.database.query<Row>(
      `SELECT ${COLUMNS} FROM service_revision WHERE service_id = $1 ORDER BY number DESC LIMIT $2`,
      [serviceId, limit],
    )
    return rows.map((row) => this.fromRow(row))
  }

  async insert(
    sql: Sql,
    {
      serviceId,
      ...revision
    }: ResolvedService &
      Omit<RevisionRecord, keyof ServiceRevision | 'number'> & {
        id: string
        serviceId: string
      },
  ): Promise<{ id: string; number: number }> {
    const { id, definition, images, secrets, planId, createdAt, createdBy } = revision
    const { milliCpus, memoryBytes } = needsOf(definition.group)
    const playbook = definition.playbook && toPlaybookColumn(definition.playbook)
    return sql.one(
      `INSERT INTO service_revision (id, service_id, number, digest, spec, images, secrets, milli_cpus, memory_bytes, plan_id,
         created_at, created_by, playbook)
       SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9, $10, $11, $12::jsonb
       FROM service_revision WHERE service_id = $2 RETURNING id, number`,
      [
        id,
        serviceId,
        toRevisionDigest(revision),
        this.sealer.seal(JSON.stringify(definition), toSealContext(id)),
        JSON.stringify(images),
        JSON.stringify(secrets),
        milliCpus,
        memoryBytes,
        planId,
        createdAt,
        createdBy,
        playbook ? JSON.stringify(playbook) : null,
      ],
    )
  }

  private fromRow({ spec, serviceId: _, ...row }: Row): RevisionRecord {
    const definition = JSON.parse(this.sealer.open(spec, toSealContext(row.id))) as ServiceDefinition
    return { ...row, definition }
  }
}
