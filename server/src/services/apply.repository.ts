import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { Application } from './domain/plan/application.ts'
import type { DepartingInstance, InstanceChanges } from './domain/plan/instance-changes.ts'
import type { PlannedService, PlannedSlot } from './domain/plan/planned.ts'
import { movesOf } from './domain/plan/wanted-services.ts'

/** Placements of each slot that are kept. */
const MAX_PLACEMENTS = 3
/** Revisions that are kept although nothing runs them. */
const MAX_REVISIONS = 20

/** Writes what a plan decides about one service: all in the transaction of the caller. */
@Injectable()
export class ApplyRepository {
  constructor(private readonly database: Database) {}

  /** Returns which of these ids of instances are taken. */
  async takenIds(ids: readonly string[], sql: Sql = this.database): Promise<Set<string>> {
    return new Set(await sql.ids('SELECT id FROM instance WHERE id = ANY($1)', [ids]))
  }

  /** Lists the instances of a service that do not count for their slots any more, and are not gone yet. */
  departing(sql: Sql, serviceId: string): Promise<DepartingInstance[]> {
    return sql.query<DepartingInstance>(
      `SELECT id, slot, generation FROM instance
       WHERE service_id = $1 AND (replaced_by IS NOT NULL OR wanted = 'gone') ORDER BY slot, generation`,
      [serviceId],
    )
  }

  /** Makes or changes the row of a service, before its first revision has a row. */
  async upsertService(
    sql: Sql,
    id: string,
    revisionId: string,
    { name, wanted }: PlannedService,
    { project, scope, by, at }: Application,
  ): Promise<void> {
    await sql.execute(
      `INSERT INTO service (id, project, name, wanted, replicas, scope, revision_id, created_at, updated_at, updated_by)
       VALUES ($1, $2, $3, 'running', $4, $5::jsonb, $6, $7, $7, $8)
       ON CONFLICT (id) DO UPDATE SET wanted = 'running', replicas = $4, scope = $5::jsonb, revision_id = $6, halted_at = NULL,
         reason_code = NULL, reason = NULL, removed_volumes = '[]', version = service.version + 1, updated_at = $7, updated_by = $8`,
      [
        id,
        project,
        name,
        wanted?.definition.group.replicas ?? null,
        scope && JSON.stringify(scope),
        revisionId,
        at,
        by,
      ],
    )
  }

  async writeInstances(
    sql: Sql,
    serviceId: string,
    revisionId: string,
    { created, reordered, kept, leaving }: InstanceChanges,
    at: Date,
  ): Promise<void> {
    await sql.execute(
      `UPDATE instance SET wanted = 'gone', due_at = $2, admitted_at = coalesce(admitted_at, $2) WHERE id = ANY($1)`,
      [leaving, at],
    )
    // An instance that runs what the new revision says is of that revision.
    await sql.execute(
      `UPDATE instance SET revision_id = $2,
         running_revision_id = CASE WHEN running_revision_id = revision_id THEN $2 ELSE running_revision_id END
       WHERE id = ANY($1) AND revision_id <> $2`,
      [kept, revisionId],
    )
    // A step that was given up is tried again.
    await sql.execute('UPDATE instance SET failures = 0, due_at = $2 WHERE id = ANY($1) AND failures > 0', [
      kept,
      at,
    ])
    await this.reorder(sql, revisionId, reordered, at)
    await this.create(sql, serviceId, revisionId, created, at)
  }

  private async reorder(
    sql: Sql,
    revisionId: string,
    reordered: InstanceChanges['reordered'],
    at: Date,
  ): Promise<void> {
    await sql.execute(
      `UPDATE instance SET generation = change.generation, revision_id = $2, wanted = 'running', due_at = $3, attempts = 0,
         step = NULL, admitted_at = CASE WHEN change."isAdmitted" THEN $3::timestamptz END,
         host_id = coalesce(change."hostId", instance.host_id), host_name = coalesce(change."hostName", instance.host_name),
         state = coalesce(change.state, instance.state),
         state_since = CASE WHEN change.state IS NULL THEN instance.state_since ELSE $3 END,
         reason_code = CASE WHEN change.state IS NULL THEN reason_code END, reason = CASE WHEN change.state IS NULL THEN reason END
       FROM jsonb_to_recordset($1::jsonb)
         AS change (id text, generation int, state text, "isAdmitted" bool, "hostId" uuid, "hostName" text)
       WHERE instance.id = change.id`,
      [
        JSON.stringify(
          reordered.map(({ host, ...change }) => ({
            ...change,
            hostId: host?.id ?? null,
            hostName: host?.name ?? null,
          })),
        ),
        revisionId,
        at,
      ],
    )
  }

  private async create(
    sql: Sql,
    serviceId: string,
    revisionId: string,
    created: InstanceChanges['created'],
    at: Date,
  ): Promise<void> {
    const rows = JSON.stringify(
      created.map(({ host, replaces, ...change }) => ({
        ...change,
        hostId: host?.id ?? null,
        hostName: host?.name ?? null,
      })),
    )
    const replaced = created.flatMap(({ id, replaces }) => replaces.map((old) => ({ id, old })))
    // First the old ones are named by their successors, since one instance counts for a slot.
    await sql.execute(
      `UPDATE instance SET replaced_by = change.id, due_at = $2
       FROM jsonb_to_recordset($1::jsonb) AS change (id text, old text) WHERE instance.id = change.old`,
      [JSON.stringify(replaced), at],
    )
    await sql.execute(
      `INSERT INTO instance (id, service_id, slot, generation, revision_id, host_id, host_name, wanted, state, state_since,
         health_since, reason, admitted_at, due_at, created_at)
       SELECT id, $2, slot, generation, $3, "hostId", "hostName", 'running', state, $4, $4, reason,
         CASE WHEN "isAdmitted" THEN $4::timestamptz END, $4, $4
       FROM jsonb_to_recordset($1::jsonb) AS change (id text, slot int, generation int, "hostId" uuid, "hostName" text,
         state text, reason text, "isAdmitted" bool)`,
      [rows, serviceId, revisionId, at],
    )
  }

  /**
   * Gives the slots their ports. Those that an instance has already stay its own. Returns false if another one has one of them: the plan was
   * made from another view.
   */
  async writePorts(sql: Sql, serviceId: string, slots: readonly PlannedSlot[]): Promise<boolean> {
    const ports = slots
      .filter(({ move }) => move !== 'keep' && move !== 'stay')
      .flatMap(({ slot, host, ports }) =>
        host === null ? [] : ports.map((port) => ({ slot, hostId: host.id, ...port })),
      )
    const written = await sql.execute(
      `INSERT INTO instance_port (host_id, protocol, port, instance_id, container, target, host_ip, generation)
       SELECT given."hostId", protocol, published, instance.id, container, target, "hostIp", instance.generation
       FROM jsonb_to_recordset($1::jsonb) AS given (slot int, "hostId" uuid, protocol text, published int, container text,
         target int, "hostIp" text)
       JOIN instance ON instance.service_id = $2 AND instance.slot = given.slot AND replaced_by IS NULL AND wanted <> 'gone'
       ON CONFLICT (host_id, protocol, port) DO UPDATE SET generation = excluded.generation, container = excluded.container,
         target = excluded.target, host_ip = excluded.host_ip
       WHERE instance_port.instance_id = excluded.instance_id`,
      [JSON.stringify(ports), serviceId],
    )
    return written === ports.length
  }

  /** Notes where the data of the slots' volumes will be. */
  async writeVolumes(
    sql: Sql,
    service: PlannedService,
    { project, at }: Pick<Application, 'project' | 'at'>,
  ): Promise<void> {
    const names = service.wanted === null ? [] : movesOf(service.wanted.definition).map(({ name }) => name)
    const rows = service.slots.flatMap(({ slot, host }) =>
      host === null ? [] : names.map((name) => ({ slot, name, hostId: host.id })),
    )
    await sql.execute(
      `INSERT INTO instance_volume (project, service, slot, name, host_id, created_at)
       SELECT $2, $3, slot, name, "hostId", $4 FROM jsonb_to_recordset($1::jsonb) AS volume (slot int, name text, "hostId" uuid)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows), project, service.name, at],
    )
  }

  /** Keeps why slots are where they are, the last three decisions of each. */
  async writePlacements(sql: Sql, serviceId: string, slots: readonly PlannedSlot[], at: Date): Promise<void> {
    const rows = slots.flatMap(({ slot, host, move, explanation }) =>
      explanation === null
        ? []
        : [
            {
              slot,
              hostId: host?.id ?? null,
              hostName: host?.name ?? null,
              score: explanation.best[0]?.score ?? null,
              isKept: move === 'replace' || move === 'stay',
              explanation,
            },
          ],
    )
    await sql.execute(
      `INSERT INTO placement (service_id, slot, generation, at, host_id, host_name, score, is_kept, explanation)
       SELECT $2, made.slot, instance.generation, $3, "hostId", "hostName", score, "isKept", explanation
       FROM jsonb_to_recordset($1::jsonb) AS made (slot int, "hostId" uuid, "hostName" text, score int, "isKept" bool,
         explanation jsonb)
       JOIN instance ON instance.service_id = $2 AND instance.slot = made.slot AND replaced_by IS NULL AND wanted <> 'gone'`,
      [JSON.stringify(rows), serviceId, at],
    )
    await sql.execute(
      `DELETE FROM placement USING (
         SELECT id, row_number() OVER (PARTITION BY slot ORDER BY id DESC) AS age FROM placement WHERE service_id = $1
       ) AS old WHERE placement.id = old.id AND old.age > $2`,
      [serviceId, MAX_PLACEMENTS],
    )
  }

  /** Removes a service: its instances go, and with them the volumes that are named. */
  async removeService(sql: Sql, id: string, volumes: readonly string[], by: string, at: Date): Promise<void> {
    await sql.execute(
      `UPDATE service SET wanted = 'gone', removed_volumes = $2::jsonb, halted_at = NULL, version = version + 1, updated_at = $3,
         updated_by = $4 WHERE id = $1`,
      [id, JSON.stringify(volumes), at, by],
    )
    await sql.execute(
      `UPDATE instance SET wanted = 'gone', due_at = $2, admitted_at = coalesce(admitted_at, $2) WHERE service_id = $1`,
      [id, at],
    )
  }

  /** Adds a line to the history of a service. */
  async note(
    sql: Sql,
    serviceId: string,
    event: { kind: 'applied' | 'operation'; toState: string; reason: string; by: string; at: Date },
  ): Promise<void> {
    await sql.execute(
      `INSERT INTO instance_event (service_id, at, kind, to_state, reason, by) VALUES ($1, $2, $3, $4, $5, $6)`,
      [serviceId, event.at, event.kind, event.toState, event.reason, event.by],
    )
  }

  /** Removes old revisions that nothing runs and that are not the last proven one. */
  async removeOldRevisions(sql: Sql, serviceId: string): Promise<void> {
    await sql.execute(
      `DELETE FROM service_revision WHERE service_id = $1
         AND number <= (SELECT max(number) FROM service_revision WHERE service_id = $1) - $2
         AND NOT EXISTS (SELECT 1 FROM instance WHERE service_id = $1
           AND (revision_id = service_revision.id OR running_revision_id = service_revision.id))
         AND NOT EXISTS (SELECT 1 FROM service WHERE id = $1
           AND (revision_id = service_revision.id OR proven_revision_id = service_revision.id))`,
      [serviceId, MAX_REVISIONS],
    )
  }
}
