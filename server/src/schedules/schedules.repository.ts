import { Injectable } from '@nestjs/common'
import type { RunLimits, Target } from '@rollcall/contracts/admin'
import { toPrincipalRef } from '../access/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import { Database } from '../platform/prisma/database.ts'
import { Prisma, type Schedule as Row } from '../platform/prisma/generated/client.ts'
import { FAILED_COMMANDS, OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'
import { type NewCommandRun, RunsRepository } from '../runs/index.ts'
import type { Firing, OwnCommand, Schedule, ShownFiring } from './domain/schedule.ts'

/** Firings that are kept of each schedule. */
const KEPT_FIRINGS = 200
const SHOWN_FIRINGS = 10

type RowWithSaved = Row & { savedCommand: { id: string; name: string } | null }
const WITH_SAVED = { savedCommand: { select: { id: true, name: true } } } as const

@Injectable()
export class SchedulesRepository {
  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepository,
    private readonly sealer: Sealer,
  ) {}

  /** By name. */
  async list(): Promise<Schedule[]> {
    const rows = await this.database.prisma.schedule.findMany({
      include: WITH_SAVED,
      orderBy: { name: 'asc' },
    })
    return rows.map((row) => this.fromRow(row))
  }

  async find(where: { id: string } | { name: string }): Promise<Schedule | null> {
    const row = await this.database.prisma.schedule.findUnique({ where, include: WITH_SAVED })
    return row && this.fromRow(row)
  }

  async insert(schedule: Schedule): Promise<void> {
    await this.database.prisma.schedule.create({ data: this.toRow(schedule) })
  }

  /** False when it was changed or decided upon since `before` was read. */
  async update(before: Schedule, schedule: Schedule): Promise<boolean> {
    const { id, createdAt: _, createdBy: __, ...data } = this.toRow(schedule)
    const where = { id, updatedAt: before.updatedAt, nextAt: before.nextAt }
    const { count } = await this.database.prisma.schedule.updateMany({ where, data })
    return count === 1
  }

  async delete(id: string): Promise<void> {
    await this.database.prisma.schedule.deleteMany({ where: { id } })
  }

  /** Schedules whose time has come. */
  async due(now: Date, limit: number): Promise<string[]> {
    return this.database.ids(
      'SELECT id FROM schedule WHERE is_enabled AND next_at <= $1 ORDER BY next_at LIMIT $2',
      [now, limit],
    )
  }

  /** The newest firings of each schedule, newest first. */
  async lastFirings(ids: readonly string[]): Promise<Map<string, ShownFiring[]>> {
    const rows = await this.database.query<ShownFiring & { scheduleId: string }>(
      `SELECT schedule_id AS "scheduleId", planned_at AS "plannedAt", decided_at AS "decidedAt", outcome, reason,
         run_id AS "runId", CASE
           WHEN NOT EXISTS (SELECT 1 FROM command WHERE command.run_id = newest.run_id) THEN NULL
           WHEN EXISTS (SELECT 1 FROM command WHERE command.run_id = newest.run_id AND state IN (${OPEN_COMMANDS}))
             THEN 'running'
           WHEN EXISTS (SELECT 1 FROM command WHERE command.run_id = newest.run_id
             AND state IN (${FAILED_COMMANDS})) THEN 'failed'
           ELSE 'success' END AS "runState"
       FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
         SELECT * FROM schedule_firing WHERE schedule_id = wanted.id ORDER BY planned_at DESC LIMIT $2
       ) AS newest ORDER BY planned_at DESC`,
      [ids, SHOWN_FIRINGS],
    )
    const found = new Map(ids.map((id): [string, ShownFiring[]] => [id, []]))
    for (const { scheduleId, ...firing } of rows) found.get(scheduleId)?.push(firing)
    return found
  }

  /** Returns whether the run that it began last has not ended. */
  async isPreviousRunning(id: string): Promise<boolean> {
    const previous = await this.database.one<{ isRunning: boolean }>(
      `SELECT EXISTS (
         SELECT 1 FROM command WHERE state IN (${OPEN_COMMANDS}) AND run_id = (
           SELECT run_id FROM schedule_firing WHERE schedule_id = $1 AND run_id IS NOT NULL
           ORDER BY planned_at DESC LIMIT 1)
       ) AS "isRunning"`,
      [id],
    )
    return previous.isRunning
  }

  /**
   * Stores what became of a planned time, the run where there is one, and the next time, together or not at all. Throws
   * `ConcurrentUpdateError` when another server was faster or the schedule was changed.
   */
  async decided(schedule: Schedule, firing: Firing, nextAt: Date | null, run?: NewCommandRun): Promise<void> {
    const advance = async (transaction: Prisma.TransactionClient) => {
      const { id, nextAt: before, updatedAt } = schedule
      const { count } = await transaction.schedule.updateMany({
        where: { id, nextAt: before, updatedAt, isEnabled: true },
        data: { nextAt },
      })
      if (count === 0) throw new ConcurrentUpdateError()
      await transaction.scheduleFiring.create({ data: { scheduleId: id, ...firing } })
      await transaction.$executeRaw`
        DELETE FROM schedule_firing WHERE schedule_id = ${id}::uuid AND planned_at < (
          SELECT min(planned_at) FROM (
            SELECT planned_at FROM schedule_firing WHERE schedule_id = ${id}::uuid
            ORDER BY planned_at DESC LIMIT ${KEPT_FIRINGS}
          ) AS kept)`
    }
    if (run) await this.runs.insert(run, advance)
    else await this.database.prisma.$transaction(advance)
  }

  private toRow({ savedCommand, command, target, limits, graceMs, owner, ...plain }: Schedule) {
    return {
      ...plain,
      ownerKind: owner?.kind ?? null,
      ownerId: owner?.id ?? null,
      savedCommandId: savedCommand?.id ?? null,
      program: command && this.sealer.seal(JSON.stringify(command), programOf(plain.id)),
      graceMs: BigInt(graceMs),
      target: target ?? Prisma.DbNull,
      limits: limits ?? Prisma.DbNull,
    }
  }

  private fromRow({ program, savedCommandId: _, ownerKind, ownerId, ...row }: RowWithSaved): Schedule {
    return {
      ...row,
      owner: toPrincipalRef(ownerKind, ownerId),
      command: program && (JSON.parse(this.sealer.open(program, programOf(row.id))) as OwnCommand),
      target: row.target as Target | null,
      limits: row.limits as RunLimits | null,
      overlap: row.overlap as Schedule['overlap'],
      graceMs: Number(row.graceMs),
    }
  }
}

const programOf = (id: string) => `schedule/${id}/program`
