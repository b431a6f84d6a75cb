import pino from 'pino'
import { BackgroundTasks } from '../background/background-tasks.ts'
import type { Reconciler } from '../background/reconciler.ts'
import { TaskMetrics } from '../background/task-metrics.ts'
import type { Clock } from '../clock/clock.ts'
import { Metrics } from '../metrics/metrics.ts'

const log = pino({ level: 'silent' })

/** Runs a reconciler once at `now`. */
export async function runOnce(reconciler: Reconciler, now: Date): Promise<void> {
  await reconciler.reconcile(now, new AbortController().signal)
}

/** Runs reconcilers like a server, until `stop` of the result. */
export function startTasks(clock: Clock, ...reconcilers: Reconciler[]): BackgroundTasks {
  const discovery = { getProviders: () => reconcilers.map((instance) => ({ instance }) as never) }
  const tasks = new BackgroundTasks(discovery, clock, new TaskMetrics(new Metrics(log)), log)
  tasks.start()
  return tasks
}
