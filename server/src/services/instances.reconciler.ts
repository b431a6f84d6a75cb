import { Inject, Injectable } from '@nestjs/common'
import { CommandWorker } from '../commands/index.ts'
import { IDLE, Reconciler, type Requeue } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import type { InstanceStepName } from './domain/driven-instance.ts'
import { instanceStep } from './domain/instance-step.ts'
import { InstancesRepository, type ReadInstance } from './instances.repository.ts'
import { toStepRun } from './step-run.ts'

const BATCH = 500
/** Steps under way on all hosts; a host does one at a time. */
const MAX_STEPS = 32
/** When there is no room for a step, it is looked at again after this long. */
const FULL_PAUSE_MS = 500
const RUNS_PER_CLEANUP = 120

/**
 * Advances instances that are due, on every server. What to do follows from what is stored, and is stored under the version of the row that it
 * was decided by, so it does not matter which server is first, or dies.
 */
@Injectable()
export class InstancesReconciler extends Reconciler {
  override readonly name = 'instances'
  override readonly intervalMs = 500
  override readonly minPauseMs = 20
  private runs = 0

  constructor(
    private readonly instances: InstancesRepository,
    private readonly worker: CommandWorker,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Looks at every instance that is due. One that fails stops no other. */
  override async reconcile(now: Date, signal: AbortSignal): Promise<Requeue | undefined> {
    if (this.runs++ % RUNS_PER_CLEANUP === 0) await this.instances.endLost({ ...LOST, at: now })
    const due = await this.instances.due(now, BATCH)
    if (due.length === 0) return IDLE
    let room = MAX_STEPS - (await this.instances.countSteps())
    const advance = async (id: string) => {
      if (await this.advance(id, room > 0)) room--
    }
    await this.forEach(due, signal, advance, (err, instanceId) =>
      this.log.warn({ err, instanceId }, 'an instance could not be advanced; trying again'),
    )
  }

  /** Returns whether a step was begun. */
  private async advance(id: string, hasRoom: boolean): Promise<boolean> {
    const found = await this.instances.find(id)
    if (!found) return false
    const now = this.clock.now()
    const move = instanceStep(found, found.report, now)
    if (move.do === 'note') await this.instances.note(found, move, now)
    if (move.do === 'wait') await this.instances.wait(found, move.until)
    if (move.do !== 'command') return false
    if (hasRoom) return this.begin(found, move.step, now)
    await this.pause(found, now)
    return false
  }

  private async begin(found: ReadInstance, step: InstanceStepName, now: Date): Promise<boolean> {
    const { instance, host } = found
    const run = toStepRun(instance, { name: host?.name ?? '' }, step, now)
    try {
      await this.instances.begin(found, step, run, now)
    } catch (error) {
      // Another step is under way on the host, or another server was first.
      await this.pause(found, now)
      throw error
    }
    this.worker.announce(run.commands[0].id)
    return true
  }

  private pause(found: ReadInstance, now: Date): Promise<void> {
    return this.instances.wait(found, new Date(now.getTime() + FULL_PAUSE_MS))
  }
}

const LOST = {
  isDone: false,
  code: 'command.unanswered',
  reason: 'The step was lost with its command.',
  isCancelled: false,
} as const
