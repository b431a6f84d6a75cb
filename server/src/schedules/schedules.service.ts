import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { ChangedSchedule, NewSchedule, ScheduleView } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import { SavedCommandsService } from '../saved-commands/index.ts'
import { CronTimes } from './domain/cron-times.ts'
import type { Schedule, ShownFiring } from './domain/schedule.ts'
import { SchedulesRepository } from './schedules.repository.ts'

const PREVIEWED_TIMES = 5
/** Times that a change is tried again which another change or a firing overtook. */
const TRIES = 5

@Injectable()
export class SchedulesService {
  constructor(
    private readonly schedules: SchedulesRepository,
    private readonly saved: SavedCommandsService,
    private readonly clock: Clock,
  ) {}

  async list(): Promise<ScheduleView[]> {
    const schedules = await this.schedules.list()
    const firings = await this.schedules.lastFirings(schedules.map(({ id }) => id))
    return schedules.map((schedule) => viewOf(schedule, firings.get(schedule.id) ?? []))
  }

  async show(name: string): Promise<ScheduleView> {
    return this.viewed(await this.find(name))
  }

  async add(request: NewSchedule, createdBy: string): Promise<ScheduleView> {
    const now = this.clock.now()
    const { savedCommand, command = null, target = null, limits = null, ...rest } = request
    const schedule: Schedule = {
      ...{ ...rest, command, target, limits, createdBy, id: randomUUID(), createdAt: now, updatedAt: now },
      savedCommand: savedCommand === undefined ? null : await this.saved.show(savedCommand),
      nextAt: null,
    }
    await this.check(schedule)
    schedule.nextAt = firstTime(schedule, now)
    try {
      await this.schedules.insert(schedule)
    } catch (error) {
      if (!isUniqueViolation(error, 'name')) throw error
      throw new RollcallError(
        'schedule.name_taken',
        `There is a schedule called ${request.name} already. Choose another name, or remove that one first: rollcall schedule remove ${request.name}`,
        { fields: [{ field: 'name', message: `"${request.name}" is taken` }], cause: error },
      )
    }
    return this.viewed(schedule)
  }

  async change(name: string, change: ChangedSchedule): Promise<ScheduleView> {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = await this.find(name)
      const after = await this.changed(before, change)
      if (await this.schedules.update(before, after)) return this.viewed(after)
    }
    throw new RollcallError(
      'server.overloaded',
      `The schedule ${name} is being changed by others. Try again.`,
    )
  }

  async remove(name: string): Promise<void> {
    await this.schedules.delete((await this.find(name)).id)
  }

  private async changed(before: Schedule, change: ChangedSchedule): Promise<Schedule> {
    const now = this.clock.now()
    const { savedCommand, command, ...rest } = change
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
    const after: Schedule = { ...before, ...given, updatedAt: now }
    if (savedCommand !== undefined) {
      after.savedCommand = await this.saved.show(savedCommand)
      after.command = null
    }
    if (command !== undefined) {
      after.command = command
      after.savedCommand = null
    }
    await this.check(after)
    const isAnotherTime = (['cron', 'timeZone', 'isEnabled'] as const).some(
      (key) => before[key] !== after[key],
    )
    if (isAnotherTime) after.nextAt = firstTime(after, now)
    return after
  }

  /** Whether there is something to run somewhere. */
  private async check({ savedCommand, command, target }: Schedule): Promise<void> {
    if (target) return
    const saved = savedCommand && (await this.saved.findById(savedCommand.id))
    if (!command && saved?.target) return
    throw new RollcallError(
      'request.invalid',
      `${saved ? `The saved command ${saved.name} does not say where to run, so the schedule` : 'The schedule'} has to: give a target.`,
      { fields: [{ field: 'target', message: 'is missing: say where to run, by hosts, labels or all' }] },
    )
  }

  /** Throws `schedule.not_found`. */
  private async find(name: string): Promise<Schedule> {
    const schedule = await this.schedules.find(name)
    if (schedule) return schedule
    throw new RollcallError(
      'schedule.not_found',
      `There is no schedule called ${name}. "rollcall schedule list" shows those there are.`,
    )
  }

  private async viewed(schedule: Schedule): Promise<ScheduleView> {
    return viewOf(schedule, (await this.schedules.lastFirings([schedule.id])).get(schedule.id) ?? [])
  }
}

/** The first planned time from now on; null for one that is paused. Throws `request.invalid` where none ever comes. */
function firstTime({ cron, timeZone, isEnabled }: Schedule, now: Date): Date | null {
  const next = timesOf(cron, timeZone).next(now)
  if (next) return isEnabled ? next : null
  throw wrongCron(cron, 'it never comes to pass')
}

function timesOf(cron: string, timeZone: string): CronTimes {
  try {
    return new CronTimes(cron, timeZone)
  } catch (error) {
    throw wrongCron(cron, sanitizeText((error as Error).message.replace(/^Cron\w+: /, ''), 300))
  }
}

function wrongCron(cron: string, why: string): RollcallError {
  const message = `"${sanitizeText(cron, 200)}" is no cron expression that can be used: ${why}. Write minute, hour, day of the month, month and day of the week, as in "30 2 * * mon-fri"`
  return new RollcallError('request.invalid', `The request is not valid: cron ${message}.`, {
    fields: [{ field: 'cron', message }],
  })
}

function viewOf(schedule: Schedule, firings: readonly ShownFiring[]): ScheduleView {
  const { nextAt, command, savedCommand, createdAt, updatedAt, ...rest } = schedule
  const times = timesOf(schedule.cron, schedule.timeZone)
  const next = nextAt ? [nextAt, ...times.upcoming(nextAt, PREVIEWED_TIMES - 1)] : []
  return {
    ...rest,
    savedCommand: savedCommand?.name ?? null,
    command: command && shownProgram(command),
    next: next.map((time) => time.toISOString()),
    last: firings.map((firing) => ({
      ...firing,
      plannedAt: firing.plannedAt.toISOString(),
      decidedAt: firing.decidedAt.toISOString(),
      reason: firing.reason && sanitizeText(firing.reason, 4000),
    })),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

const shownProgram = ({ env, ...program }: NonNullable<Schedule['command']>) => ({
  ...program,
  envNames: Object.keys(env),
})
