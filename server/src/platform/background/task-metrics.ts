import { Injectable } from '@nestjs/common'
import { Metrics } from '../metrics/metrics.ts'

/** Health and cost of background work, for Prometheus, by the name of the task. */
@Injectable()
export class TaskMetrics {
  private readonly runs
  private readonly seconds
  private readonly lateness
  private readonly lastRun

  constructor(metrics: Metrics) {
    this.runs = metrics.counter({
      name: 'rollcall_background_runs_total',
      help: 'Runs of background tasks, by task and outcome.',
      labelNames: ['task', 'outcome'] as const,
    })
    this.seconds = metrics.counter({
      name: 'rollcall_background_run_seconds_total',
      help: 'Time that runs of background tasks have taken.',
      labelNames: ['task'] as const,
    })
    this.lateness = metrics.gauge({
      name: 'rollcall_background_lateness_seconds',
      help: 'How long after its planned time the last run of a background task began.',
      labelNames: ['task'] as const,
    })
    this.lastRun = metrics.gauge({
      name: 'rollcall_background_last_success_timestamp_seconds',
      help: 'When the last successful run of a background task ended.',
      labelNames: ['task'] as const,
    })
  }

  began(task: string, lateMs: number): void {
    this.lateness.set({ task }, Math.max(0, lateMs) / 1000)
  }

  ended(task: string, { hasFailed, tookMs, at }: { hasFailed: boolean; tookMs: number; at: Date }): void {
    this.runs.inc({ task, outcome: hasFailed ? 'failure' : 'success' })
    this.seconds.inc({ task }, tookMs / 1000)
    if (!hasFailed) this.lastRun.set({ task }, at.getTime() / 1000)
  }
}
