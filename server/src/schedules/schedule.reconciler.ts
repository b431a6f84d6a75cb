import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { SkippedHost } from '@rollcall/contracts/admin'
import { AccessService, requireRunner, WHOLE_FLEET } from '../access/index.ts'
import { hashOf } from '../commands/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { type NewCommandRun, RunsService, TargetReach } from '../runs/index.ts'
import { hasSecrets, SavedCommandsService, toSpec } from '../saved-commands/index.ts'
import { CronTimes } from './domain/cron-times.ts'
import { decideSchedule } from './domain/decide-schedule.ts'
import type { Firing, Schedule } from './domain/schedule.ts'
import { SchedulesRepository } from './schedules.repository.ts'

const BATCH = 100

/** Begins the runs of schedules. Every server does; the database says which of them was first. */
@Injectable()
export class ScheduleReconciler extends Reconciler {
  override readonly name = 'schedules'
  /** By so much a run may begin late. A tick costs one index probe. */
  override readonly intervalMs = 1000

  constructor(
    private readonly schedules: SchedulesRepository,
    private readonly runs: RunsService,
    private readonly saved: SavedCommandsService,
    private readonly reach: TargetReach,
    private readonly access: AccessService,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Decides on every schedule whose time has come. One that fails stops no other, and is tried again at the next tick. */
  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    await this.forEach(
      await this.schedules.due(now, BATCH),
      signal,
      (id) => this.decide(id),
      (err, scheduleId) =>
        this.log.warn({ err, scheduleId }, 'a schedule could not be decided upon; trying again'),
    )
  }

  private async decide(id: string): Promise<void> {
    const schedule = await this.schedules.find({ id })
    if (!schedule) return
    const times = new CronTimes(schedule.cron, schedule.timeZone)
    const isPreviousRunning = await this.schedules.isPreviousRunning(id)
    const now = this.clock.now()
    const decision = decideSchedule(
      { ...schedule, isPreviousRunning, next: (after) => times.next(after) },
      now,
    )
    if (decision.do === 'wait') return
    const { plannedAt, nextAt, reason } = decision
    const firing = { plannedAt, decidedAt: now, reason, runId: null }
    if (decision.do === 'skip')
      return this.schedules.decided(schedule, { ...firing, outcome: decision.outcome }, nextAt)
    const prepared = await this.prepare(schedule)
    if (prepared instanceof RollcallError)
      return this.schedules.decided(schedule, { ...firing, ...refusalOf(prepared) }, nextAt)
    const { run, narrowed } = prepared
    const reasons = [reason, narrowed].filter((each) => each !== null).join(' ') || null
    const started = { ...firing, outcome: 'started' as const, runId: run.id, reason: reasons }
    await this.schedules.decided(schedule, started, nextAt, run)
    this.runs.announce(run)
  }

  /** The run of a planned time, yet to be stored, and by what it is narrowed; or why there can be none. What may pass is thrown. */
  private async prepare(schedule: Schedule): Promise<Prepared | RollcallError> {
    try {
      const { command, savedCommand, owner } = schedule
      const saved = savedCommand && (await this.saved.findById(savedCommand.id))
      const program = command ?? saved
      const target = schedule.target ?? saved?.target
      if (!program || !target)
        return new RollcallError(
          'request.invalid',
          `It does not say any more what to run and where. Remove it, and add it again with both: rollcall schedule remove ${schedule.name}`,
        )
      const runner = requireRunner('The schedule', owner ? await this.access.findByRef(owner) : undefined)
      if (schedule.target && saved?.target && hasSecrets(saved))
        await this.reach.refuseElsewhere(schedule.target, saved.target, runner.scope)
      const bounds = saved ? [runner, await this.saved.findOwner(saved)] : [runner]
      const narrowed = await this.reach.narrow(target, WHOLE_FLEET, bounds)
      // Nobody can know it before, and take it.
      const runId = randomUUID()
      const run = await this.runs.prepare({
        runId,
        bodyHash: hashOf({ runId }),
        requestedBy: `schedule/${schedule.name}`,
        requester: owner,
        ...narrowed,
        spec: toSpec(program),
        limits: schedule.limits ?? saved?.limits ?? null,
        savedCommand: saved?.name ?? null,
        schedule: schedule.name,
      })
      return { run, narrowed: describeNarrowing(narrowed.leftOut) }
    } catch (error) {
      if (error instanceof RollcallError && error.kind === 'rejected') return error
      throw error
    }
  }
}

interface Prepared {
  run: NewCommandRun
  /** Null where every host that it is for is in the run. */
  narrowed: string | null
}

/** Says by how much a run is less than what its schedule asks for. */
function describeNarrowing(leftOut: readonly SkippedHost[]): string | null {
  const [first] = leftOut
  if (!first) return null
  return `${leftOut.length} of the hosts that it is for were left out, ${first.host} among them: ${first.reason}.`
}

const refusalOf = (error: RollcallError): Pick<Firing, 'outcome' | 'reason'> => ({
  outcome: 'refused',
  reason: `${error.message} (${error.code})`,
})
