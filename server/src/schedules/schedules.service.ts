import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { ChangedSchedule, NewSchedule, ScheduleView, Target } from '@rollcall/contracts/admin'
import {
  type HostScope,
  type Principal,
  refuseWithoutRunPermission,
  toRef,
  WHOLE_FLEET,
} from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import { TargetReach } from '../runs/index.ts'
import { hasSecrets, refuseRedirectedSecrets, SavedCommandsService } from '../saved-commands/index.ts'
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
    private readonly reach: TargetReach,
    private readonly clock: Clock,
  ) {}

  /** Returns the schedules within a scope. */
  async list(scope: HostScope): Promise<ScheduleView[]> {
    const schedules = await this.visible(await this.schedules.list(), scope)
    const firings = await this.schedules.lastFirings(schedules.map(({ id }) => id))
    return schedules.map((schedule) => toView(schedule, firings.get(schedule.id) ?? []))
  }

  /** Throws `schedule.not_found`, for one outside of somebody's scope too. */
  async show(name: string, scope: HostScope): Promise<ScheduleView> {
    const [schedule] = await this.visible([await this.find(name)], scope)
    if (!schedule) throw notFound(name)
    return this.viewed(schedule)
  }

  async add(request: NewSchedule, maker: Principal): Promise<ScheduleView> {
    refuseWithoutRunPermission(maker)
    const now = this.clock.now()
    const { savedCommand, command = null, target = null, limits = null, ...rest } = request
    const schedule: Schedule = {
      ...rest,
      command,
      target,
      limits,
      id: randomUUID(),
      createdAt: now,
      updatedAt: now,
      createdBy: maker.name,
      owner: toRef(maker),
      savedCommand: savedCommand === undefined ? null : await this.saved.show(savedCommand, maker.scope),
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

  /** Changes it. Whoever changes what it does, where or when, becomes its owner. Throws `saved_command.sealed` where secret values would go elsewhere. */
  async change(name: string, change: ChangedSchedule, actor: Principal): Promise<ScheduleView> {
    refuseWithoutRunPermission(actor)
    for (let tries = 0; tries < TRIES; tries++) {
      const before = await this.find(name)
      const after = await this.changed(before, change, actor)
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

  private async changed(before: Schedule, change: ChangedSchedule, actor: Principal): Promise<Schedule> {
    const now = this.clock.now()
    const { savedCommand, command, ...rest } = change
    const isTakenOver = Object.keys(change).some((key) => key !== 'isEnabled' && key !== 'description')
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
    const owner = isTakenOver ? toRef(actor) : before.owner
    const after: Schedule = { ...before, ...given, owner, updatedAt: now }
    if (savedCommand !== undefined) {
      after.savedCommand = await this.saved.show(savedCommand, actor.scope)
      after.command = null
    }
    if (command !== undefined) {
      after.command = command
      after.savedCommand = null
    }
    if (before.command && after.command && command === undefined)
      refuseRedirectedSecrets(
        { ...before.command, target: before.target },
        { ...after.command, target: after.target },
        'command.env',
      )
    await this.check(after)
    const isAnotherTime = (['cron', 'timeZone', 'isEnabled'] as const).some(
      (key) => before[key] !== after[key],
    )
    if (isAnotherTime) after.nextAt = firstTime(after, now)
    return after
  }

  /** Throws `request.invalid` unless there is something to run somewhere. */
  private async check({ savedCommand, command, target }: Schedule): Promise<void> {
    const saved = savedCommand && (await this.saved.findById(savedCommand.id))
    if (target && saved?.target && hasSecrets(saved))
      await this.reach.refuseElsewhere(target, saved.target, WHOLE_FLEET)
    if (target) return
    if (!command && saved?.target) return
    throw new RollcallError(
      'request.invalid',
      `${saved ? `The saved command ${saved.name} does not say where to run, so the schedule` : 'The schedule'} has to: give a target.`,
      { fields: [{ field: 'target', message: 'is missing: say where to run, by hosts, labels or all' }] },
    )
  }

  /** Throws `schedule.not_found`. */
  private async find(name: string): Promise<Schedule> {
    const schedule = await this.schedules.find({ name })
    if (schedule) return schedule
    throw notFound(name)
  }

  /** Returns the schedules whose target, or that of the command which they run, is within a scope, without names that are not visible there. */
  private async visible(schedules: readonly Schedule[], scope: HostScope): Promise<Schedule[]> {
    if (scope === null) return [...schedules]
    const saved = await this.saved.listAll()
    const targets = new Map(saved.map(({ id, target }) => [id, target]))
    const seen = new Set((await this.saved.list(scope)).map(({ id }) => id))
    const targetOf = ({ target, savedCommand }: Schedule): Target =>
      target ?? (savedCommand && targets.get(savedCommand.id)) ?? { all: true }
    const visible = await this.reach.visible(schedules, scope, targetOf)
    return visible.map((schedule) =>
      schedule.savedCommand && !seen.has(schedule.savedCommand.id)
        ? { ...schedule, savedCommand: null }
        : schedule,
    )
  }

  private async viewed(schedule: Schedule): Promise<ScheduleView> {
    return toView(schedule, (await this.schedules.lastFirings([schedule.id])).get(schedule.id) ?? [])
  }
}

const notFound = (name: string) =>
  new RollcallError(
    'schedule.not_found',
    `There is no schedule named ${name}. List them: rollcall schedule list`,
  )

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

function toView(schedule: Schedule, firings: readonly ShownFiring[]): ScheduleView {
  const { nextAt, command, savedCommand, owner: _, createdAt, updatedAt, ...rest } = schedule
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
