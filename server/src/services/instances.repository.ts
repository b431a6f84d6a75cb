import { Injectable } from '@nestjs/common'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import { Database } from '../platform/prisma/database.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import { ANSWERING_HOSTS, BUSY_HOSTS, OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { type NewCommandRun, RunsRepository } from '../runs/index.ts'
import type { Instance, InstanceStepName } from './domain/driven-instance.ts'
import type { Noted } from './domain/instance-move.ts'
import { type DrivenInstance, type InstanceRow, toDriven } from './domain/instance-row.ts'
import { type StepOutcome, withBegunStep, withNote, withOutcome } from './domain/step-outcome.ts'

const SELECT = `SELECT instance.id, service_id AS "serviceId", project, service.name AS service, slot, host_id AS "hostId", generation,
    instance.revision_id AS "revisionId", admitted_at AS "admittedAt", instance.wanted, instance.state, health,
    instance.reason_code AS "reasonCode", instance.reason, prepared_generation AS "preparedGeneration",
    begun_generation AS "begunGeneration", running_generation AS "runningGeneration", running_revision_id AS "runningRevisionId",
    restart_id IS DISTINCT FROM restarted_id AS "isRestartWanted", open_step AS "openStep", step_generation AS "stepGeneration",
    step_revision_id AS "stepRevisionId", command_id AS "commandId", attempts, step_begun_at AS "stepBegunAt",
    step_ended_at AS "stepEndedAt", failures, failed_generation AS "failedGeneration", failed_wanted AS "failedWanted",
    failing_since AS "failingSince", failure_code AS "failureCode", failure_reason AS "failureReason", retry_at AS "retryAt",
    report, reported_at AS "reportedAt", host.name AS "knownHost", coalesce(host.state IN (${ANSWERING_HOSTS}), false) AS "isAnswering",
    coalesce(host.state IN (${BUSY_HOSTS}), false) AS "isBusy", instance.xmin::text AS version
  FROM instance JOIN service ON service.id = service_id LEFT JOIN host ON host.id = host_id`

const OF_ANOTHER_SERVER = ['run_pkey', 'instance_open_step_key']

type Row = InstanceRow & { version: string }

/** An instance, and the version of its row that was read. */
export type ReadInstance = DrivenInstance & { version: string }

/** Instances as they are driven to their hosts. What is written names the version that it was decided by, or the step that it ends. */
@Injectable()
export class InstancesRepository {
  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepository,
  ) {}

  /** Returns the ids of instances that are to be looked at, the longest due first. */
  due(now: Date, limit: number): Promise<string[]> {
    const sql = `SELECT id FROM instance WHERE due_at <= $1 ORDER BY due_at LIMIT $2`
    return this.database.ids(sql, [now, limit])
  }

  async find(id: string): Promise<ReadInstance | null> {
    const row = await this.database.first<Row>(`${SELECT} WHERE instance.id = $1`, [id])
    return row && { ...toDriven(row), version: row.version }
  }

  /** Returns how many steps are under way, on all hosts. */
  async countSteps(): Promise<number> {
    const sql = 'SELECT count(*)::int AS count FROM instance WHERE open_step IS NOT NULL'
    return (await this.database.one<{ count: number }>(sql)).count
  }

  /** Returns the names of the instances on a host. */
  async namesOn(hostId: string): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(
      `SELECT project || '/' || name || '.' || slot AS name FROM instance JOIN service ON service.id = service_id
       WHERE host_id = $1 ORDER BY 1`,
      [hostId],
    )
    return rows.map(({ name }) => name)
  }

  /** Returns the volumes that go with a service that is removed, by their names on the host. */
  async removedVolumes(serviceId: string): Promise<string[]> {
    const row = await this.database.first<{ names: string[] }>(
      `SELECT removed_volumes AS names FROM service WHERE id = $1 AND wanted = 'gone'`,
      [serviceId],
    )
    return row?.names ?? []
  }

  /** Stores when an instance is to be looked at again: null for when something changes. Nothing is stored if something has. */
  async wait({ instance, version }: ReadInstance, until: Date | null): Promise<void> {
    const sql = 'UPDATE instance SET due_at = $3 WHERE id = $1 AND xmin::text = $2'
    await this.database.execute(sql, [instance.id, version, until])
  }

  /** Stores what is so of an instance, and gives back its ports and its row once it is gone. Throws `ConcurrentUpdateError`. */
  async note({ instance, version }: ReadInstance, noted: Noted, now: Date): Promise<void> {
    const next = withNote(instance, { do: 'note', ...noted })
    await this.database.transaction(async (sql) => {
      const changed = await sql.execute(
        `UPDATE instance SET state = $3, state_since = CASE WHEN state = $3 THEN state_since ELSE $8 END,
           health = $4, health_since = CASE WHEN health = $4 THEN health_since ELSE $8 END, reason_code = $5, reason = $6,
           running_generation = nullif($7, 0), running_revision_id = $9, due_at = $8
         WHERE id = $1 AND xmin::text = $2`,
        [
          instance.id,
          version,
          next.state,
          next.health,
          next.reasonCode,
          next.reason,
          next.startedGeneration,
          now,
          next.startedRevisionId,
        ],
      )
      if (changed === 0) throw new ConcurrentUpdateError()
      await release(sql, instance.id, next.state, next.startedGeneration)
    })
  }

  /** Stores a step with its command, or nothing. Throws `ConcurrentUpdateError`, also where another step is under way on the host. */
  async begin(
    { instance, version }: ReadInstance,
    name: InstanceStepName,
    run: NewCommandRun,
    now: Date,
  ): Promise<void> {
    const [{ id: commandId }] = run.commands
    const { step, ...next } = withBegunStep(instance, name, commandId, now)
    const stored = this.runs.insert(run, async (transaction) => {
      const at = now.toISOString()
      const changed = await transaction.$executeRaw`
        UPDATE instance SET open_step = ${name}, step = ${name}, step_generation = ${step.generation},
          step_revision_id = ${step.revisionId}::uuid, command_id = ${commandId}::uuid, attempts = ${next.attempts},
          step_begun_at = clock_timestamp(), begun_generation = ${next.begunGeneration}, state = ${next.state},
          state_since = CASE WHEN state = ${next.state} THEN state_since ELSE ${at}::timestamptz END,
          reason_code = ${next.reasonCode}, reason = ${next.reason}, due_at = NULL
        WHERE id = ${instance.id} AND xmin::text = ${version} AND NOT EXISTS (
          SELECT 1 FROM instance AS other WHERE other.host_id = instance.host_id AND other.open_step IS NOT NULL)`
      if (changed === 0) throw new ConcurrentUpdateError()
    })
    await stored.catch((error) => {
      // Of servers that look at the same moment one is first: the others find its run, or that the host has a step.
      const isLate = OF_ANOTHER_SERVER.some((constraint) => isUniqueViolation(error, constraint))
      throw isLate ? new ConcurrentUpdateError() : error
    })
  }

  /** Stores how a step ended, in the transaction in which its command ends. */
  async end(sql: Sql, commandId: string, outcome: StepOutcome, random: number): Promise<void> {
    const row = await sql.first<Row>(
      `${SELECT} WHERE command_id = $1 AND open_step IS NOT NULL FOR UPDATE OF instance`,
      [commandId],
    )
    if (!row) return
    const { instance } = toDriven(row)
    const { failures, ...next } = withOutcome(instance, outcome, random)
    await sql.execute(
      `UPDATE instance SET open_step = NULL, step_ended_at = $2, due_at = $2, state = $3,
         state_since = CASE WHEN state = $3 THEN state_since ELSE $2 END, prepared_generation = $4, begun_generation = $5,
         running_generation = nullif($6, 0), running_revision_id = $7,
         restarted_id = CASE WHEN $8 THEN restarted_id ELSE restart_id END,
         failures = $9, failed_generation = generation, failed_wanted = wanted, failing_since = $10, failure_code = $11,
         failure_reason = $12, retry_at = $13
       WHERE id = $1`,
      [
        instance.id,
        next.stepEndedAt,
        next.state,
        next.preparedGeneration,
        next.begunGeneration,
        next.startedGeneration,
        next.startedRevisionId,
        next.isRestartWanted,
        failures?.count ?? 0,
        failures?.since ?? null,
        failures?.code ?? null,
        failures?.reason ?? null,
        failures?.retryAt ?? null,
      ],
    )
    await release(sql, instance.id, next.state, next.startedGeneration)
  }

  /** Ends steps whose command is gone or has ended unheard, for instance when it was removed with its host. */
  async endLost(outcome: StepOutcome): Promise<void> {
    const ids = await this.database.ids(
      `SELECT command_id AS id FROM instance WHERE open_step IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM command WHERE command.id = command_id AND command.state IN (${OPEN_COMMANDS})
       ) LIMIT 100`,
    )
    for (const id of ids) await this.database.transaction((sql) => this.end(sql, id, outcome, 1))
  }
}

/** Gives back what is needed no longer: ports that an earlier generation had, or all of an instance that is gone. */
async function release(sql: Sql, id: string, state: Instance['state'], running: number): Promise<void> {
  if (state === 'gone') await sql.execute('DELETE FROM instance WHERE id = $1', [id])
  else if (running > 0)
    await sql.execute('DELETE FROM instance_port WHERE instance_id = $1 AND generation < $2', [id, running])
}
