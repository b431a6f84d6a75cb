import { setMaxListeners } from 'node:events'
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common'
import { DiscoveryService } from '@nestjs/core'
import { RollcallError } from '@rollcall/contracts'
import { Alarm } from '../clock/alarm.ts'
import { Clock } from '../clock/clock.ts'
import { waitAtMost } from '../clock/wait-at-most.ts'
import { LOGGER, type Logger } from '../log.ts'
import { Reconciler, type Requeue } from './reconciler.ts'
import type { TaskStatus } from './task-health.ts'
import { TaskMetrics } from './task-metrics.ts'

/** How long a stopping server waits for work under way; what is left then is taken up by the next one. */
const DRAIN_TIMEOUT_MS = 15_000

/** After a failure `wake` waits this long, so that events do not hurry what fails. */
const FAILURE_PAUSE_MS = 1000

interface Task extends TaskStatus {
  reconciler: Reconciler
  /** Resolves when the last run, and what outlives it, has ended. */
  ended: Promise<void>
}

/** Runs every `Reconciler` of the server: again and again, never twice at once, until the server stops. */
@Injectable()
export class BackgroundTasks implements OnModuleDestroy {
  private readonly stopping = new AbortController()
  private readonly tasks = new Map<string, Task>()

  constructor(
    @Inject(DiscoveryService) private readonly discovery: Pick<DiscoveryService, 'getProviders'>,
    private readonly clock: Clock,
    private readonly metrics: TaskMetrics,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    // What a run calls listens on it, and much is called at once.
    setMaxListeners(0, this.stopping.signal)
  }

  /** Starts the reconcilers of all modules, in the order of the modules; with `isWanted` only some. Throws when two have one name. */
  start(isWanted: (name: string) => boolean = () => true): void {
    const providers = this.discovery.getProviders().map(({ instance }) => instance)
    for (const reconciler of new Set(providers.filter((each) => each instanceof Reconciler))) {
      const { name, intervalMs } = reconciler
      if (!isWanted(name)) continue
      if (this.tasks.has(name))
        throw new RollcallError('server.defect', `two background tasks are named ${name}`)
      const status = { name, intervalMs, runningSince: null, failingSince: null, failuresInARow: 0 }
      const task: Task = { ...status, reconciler, ended: Promise.resolve() }
      this.tasks.set(name, task)
      task.ended = this.repeat(task).finally(() => this.tasks.delete(name))
    }
  }

  /** Stops every reconciler and waits until their work has ended, or for 15 s. Safe to repeat. */
  async stop(): Promise<void> {
    this.stopping.abort()
    const drained = Promise.all([...this.tasks.values()].map(({ ended }) => ended))
    await waitAtMost(this.clock, drained, DRAIN_TIMEOUT_MS)
    const left = [...this.tasks.keys()]
    if (left.length > 0) this.log.warn({ tasks: left }, 'background tasks did not end in time')
  }

  onModuleDestroy(): Promise<void> {
    return this.stop()
  }

  statuses(): readonly TaskStatus[] {
    return [...this.tasks.values()]
  }

  private async repeat(task: Task): Promise<void> {
    const { reconciler } = task
    const { signal } = this.stopping
    let plannedMs = this.clock.now().getTime() + reconciler.startDelayMs
    if (reconciler.startDelayMs > 0) await reconciler.wakeup.wait(reconciler.startDelayMs, signal)
    while (!signal.aborted) {
      const requeue = await this.run(task, plannedMs)
      const hasFailed = task.failuresInARow > 0
      const pauseMs = requeue?.requeueAfterMs ?? reconciler.intervalMs
      const minPauseMs = Math.min(pauseMs, hasFailed ? FAILURE_PAUSE_MS : reconciler.minPauseMs)
      plannedMs = this.clock.now().getTime() + pauseMs
      if (minPauseMs > 0) await new Alarm().wait(minPauseMs, signal)
      if (await reconciler.wakeup.wait(pauseMs - minPauseMs, signal)) plannedMs = this.clock.now().getTime()
    }
    await reconciler
      .drain()
      .catch((error) =>
        this.log.warn({ err: error, task: task.name }, 'a background task ended with an error'),
      )
  }

  private async run(task: Task, plannedMs: number): Promise<Requeue | undefined> {
    const { name, reconciler } = task
    const now = this.clock.now()
    const beganMs = performance.now()
    this.metrics.began(name, now.getTime() - plannedMs)
    task.runningSince = now
    let hasFailed = false
    try {
      return (await reconciler.reconcile(now, this.stopping.signal)) ?? undefined
    } catch (error) {
      // What a stop has broken off did not fail.
      if (this.stopping.signal.aborted) return undefined
      hasFailed = true
      this.log.warn({ err: error, task: name }, 'a background task failed; it runs again at its next turn')
    } finally {
      task.runningSince = null
      task.failuresInARow = hasFailed ? task.failuresInARow + 1 : 0
      task.failingSince = hasFailed ? (task.failingSince ?? now) : null
      this.metrics.ended(name, { hasFailed, tookMs: performance.now() - beganMs, at: this.clock.now() })
    }
  }
}
