import { Injectable } from '@nestjs/common'
import type { InstancePort } from '@rollcall/contracts/admin'
import { type HostScope, scopeParameter, WHOLE_FLEET } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { InstanceRecord, ServiceRecord } from './domain/instance.ts'
import { toInstanceName } from './domain/placement/view.ts'
import type { HostUse } from './domain/plan/placement-host.ts'
import type { VolumeData } from './domain/plan/shared-volumes.ts'
import { type SlotVolume, type StoredService, toServiceName } from './domain/service.ts'
import { RevisionsRepository } from './revisions.repository.ts'

const SERVICE = `
  SELECT service.id, project, name, wanted, replicas, scope, revision_id AS "revisionId", revision.number AS revision,
    proven.number AS "provenRevision", revision.images, revision.playbook, revision.secrets, halted_at AS "haltedAt",
    reason_code AS "reasonCode", reason, updated_at AS "updatedAt", updated_by AS "updatedBy"
  FROM service JOIN service_revision AS revision ON revision.id = revision_id
    LEFT JOIN service_revision AS proven ON proven.id = proven_revision_id`

const INSTANCE = `
  SELECT instance.id, instance.service_id AS "serviceId", slot, generation, revision_id AS "revisionId", revision.number AS revision,
    running.number AS "runningRevision", host_id AS "hostId", coalesce(host.name, host_name) AS "hostName", wanted, instance.state,
    instance.state_since AS "stateSince", health, health_since AS "healthSince", reason_code AS "reasonCode", reason,
    admitted_at AS "admittedAt", replaced_by AS "replacedBy", command_id AS "commandId", containers, checks,
    coalesce((SELECT json_agg(json_build_object('container', container, 'target', target, 'published', port,
      'protocol', protocol, 'hostIp', host_ip) ORDER BY container, target, port)
      FROM instance_port WHERE instance_id = instance.id AND instance_port.generation = instance.generation), '[]') AS ports,
    ($1::jsonb IS NULL OR coalesce(host_fits(host.labels, $1::jsonb), false)) AS "isVisible"
  FROM instance JOIN service_revision AS revision ON revision.id = revision_id
    LEFT JOIN service_revision AS running ON running.id = running_revision_id
    LEFT JOIN host ON host.id = host_id`

/** An instance that counts for its slot. */
const COUNTS = "replaced_by IS NULL AND wanted <> 'gone'"

/** Reads services and their instances. */
@Injectable()
export class ServicesRepository {
  constructor(
    private readonly database: Database,
    private readonly revisions: RevisionsRepository,
  ) {}

  /** Lists services by project and name. */
  async list(
    project: string | null,
    search: string | null,
    sql: Sql = this.database,
  ): Promise<ServiceRecord[]> {
    return sql.query(
      `${SERVICE} WHERE ($1::text IS NULL OR project = $1) AND ($2::text IS NULL OR project || '/' || name ILIKE $2)
       ORDER BY project, name`,
      [project, search === null ? null : `%${search.replace(/[\\%_]/g, '\\$&')}%`],
    )
  }

  async listByIds(ids: readonly string[]): Promise<ServiceRecord[]> {
    return this.database.query(`${SERVICE} WHERE service.id = ANY($1::uuid[])`, [ids])
  }

  async findById(id: string): Promise<ServiceRecord | null> {
    return this.database.first(`${SERVICE} WHERE service.id = $1`, [id])
  }

  async findByName(project: string, name: string): Promise<ServiceRecord | null> {
    return this.database.first(`${SERVICE} WHERE project = $1 AND name = $2`, [project, name])
  }

  /** Lists instances of services by slot, those that leave included, and tells which are within a scope. */
  async instances(
    serviceIds: readonly string[],
    scope: HostScope = WHOLE_FLEET,
    sql: Sql = this.database,
  ): Promise<InstanceRecord[]> {
    return sql.query(
      `${INSTANCE} WHERE instance.service_id = ANY($2::uuid[]) ORDER BY instance.service_id, slot, instance.created_at`,
      [scopeParameter(scope), serviceIds],
    )
  }

  /** Lists instances by their ids, of one service or of any, and tells which are within a scope. */
  async instancesByIds(
    ids: readonly string[],
    serviceId: string | null,
    scope: HostScope,
  ): Promise<InstanceRecord[]> {
    return this.database.query(
      `${INSTANCE} WHERE instance.id = ANY($2::text[]) AND ($3::uuid IS NULL OR instance.service_id = $3)`,
      [scopeParameter(scope), ids, serviceId],
    )
  }

  /** Returns all services of a project with the instances that count, for a plan. */
  async project(project: string, sql: Sql = this.database): Promise<StoredService[]> {
    const services = await this.list(project, null, sql)
    const instances = await sql.query<Omit<InstanceRecord, 'isVisible'>>(
      `${INSTANCE} WHERE instance.service_id = ANY($2::uuid[]) AND ${COUNTS} ORDER BY slot`,
      [null, services.map(({ id }) => id)],
    )
    const ids = [...services, ...instances].map(({ revisionId }) => revisionId)
    const revisions = await this.revisions.open(ids, sql)
    const revisionOf = (id: string) => {
      const revision = revisions.get(id)
      if (!revision) throw new RangeError(`there is no revision ${id}`)
      return revision
    }
    return services.map(({ haltedAt, revisionId, ...service }) => ({
      ...service,
      revision: revisionOf(revisionId),
      isHalted: haltedAt !== null,
      instances: instances
        .filter(({ serviceId }) => serviceId === service.id)
        .map(({ hostId, hostName, ...instance }) => ({
          ...instance,
          host: hostId === null ? null : { id: hostId, name: hostName ?? hostId },
          revision: revisionOf(instance.revisionId),
        })),
    }))
  }

  /** Lists where data of a project's volumes is. */
  async volumes(project: string, sql: Sql = this.database): Promise<SlotVolume[]> {
    return sql.query(
      'SELECT service, slot, name, host_id AS "hostId" FROM instance_volume WHERE project = $1 ORDER BY service, slot, name, host_id',
      [project],
    )
  }

  /** Lists whose data is in volumes of these names, of all projects. */
  async volumeData(names: readonly string[], sql: Sql = this.database): Promise<VolumeData[]> {
    return sql.query(
      `SELECT project, service, instance_volume.name, host.name AS host FROM instance_volume JOIN host ON host.id = host_id
       WHERE instance_volume.name = ANY($1) ORDER BY project, service, host.name`,
      [names],
    )
  }

  /** Returns the names of those of these hosts that are within a scope, by id. */
  async hostNames(ids: readonly string[], scope: HostScope): Promise<Map<string, string>> {
    const rows = await this.database.query<{ id: string; name: string }>(
      'SELECT id, name FROM host WHERE id = ANY($1::uuid[]) AND ($2::jsonb IS NULL OR host_fits(labels, $2::jsonb))',
      [[...new Set(ids)], scopeParameter(scope)],
    )
    return new Map(rows.map(({ id, name }) => [id, name]))
  }

  /** Returns what the servers have put on each host, without images. */
  async hostUses(sql: Sql = this.database): Promise<Map<string, HostUse>> {
    const reserved = await sql.query<{
      hostId: string
      instances: number
      milliCpus: number
      memoryBytes: number
    }>(
      `SELECT host_id AS "hostId", count(*)::int AS instances, sum(milli_cpus)::float8 AS "milliCpus", sum(memory_bytes)::float8 AS "memoryBytes"
       FROM instance JOIN service_revision ON service_revision.id = revision_id
       WHERE host_id IS NOT NULL AND state <> 'gone' GROUP BY host_id`,
    )
    const ports = await sql.query<PortRow>(
      `SELECT instance_port.host_id AS "hostId", protocol, port, project, name, slot
       FROM instance_port JOIN instance ON instance.id = instance_id JOIN service ON service.id = service_id
       ORDER BY protocol, port`,
    )
    const uses = new Map<
      string,
      { instances: number; reserved: HostUse['reserved']; ports: HostUse['ports'][number][]; images: [] }
    >()
    const useOf = (hostId: string) => {
      const use = uses.get(hostId) ?? {
        instances: 0,
        reserved: { milliCpus: 0, memoryBytes: 0 },
        ports: [],
        images: [],
      }
      uses.set(hostId, use)
      return use
    }
    for (const { hostId, instances, ...amounts } of reserved)
      Object.assign(useOf(hostId), { instances, reserved: amounts })
    for (const { hostId, protocol, port, project, name, slot } of ports)
      useOf(hostId).ports.push({ protocol, port, holder: toInstanceName(toServiceName(project, name), slot) })
    return uses
  }
}

interface PortRow extends Pick<InstancePort, 'protocol'> {
  hostId: string
  port: number
  project: string
  name: string
  slot: number
}
