import { Injectable } from '@nestjs/common'
import { Metrics } from '../platform/metrics/metrics.ts'

const LATENESS_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 3, 5,
  10, 20, 30, 60,
]
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

@Injectable()
export class HeartbeatMetrics {
  readonly lateness
  readonly latency
  readonly rounds
  readonly calls
  readonly retries
  private readonly errors

  constructor(metrics: Metrics) {
    this.lateness = metrics.histogram({
      name: 'rollcall_heartbeat_lateness_seconds',
      help: 'How long after its planned time a heartbeat began.',
      buckets: LATENESS_BUCKETS,
    })
    this.latency = metrics.histogram({
      name: 'rollcall_heartbeat_latency_seconds',
      help: 'From question to answer of heartbeats that were answered.',
      buckets: LATENCY_BUCKETS,
    })
    this.rounds = metrics.counter({
      name: 'rollcall_heartbeats_total',
      help: 'Rounds of one agent, each a call with its retries, by what they showed.',
      labelNames: ['outcome'] as const,
    })
    this.calls = metrics.counter({
      name: 'rollcall_agent_calls_total',
      help: 'Heartbeat calls that were sent to agents, retries included.',
    })
    this.retries = metrics.counter({
      name: 'rollcall_agent_retries_total',
      help: 'Heartbeat calls that were a further attempt.',
    })
    this.errors = metrics.counter({
      name: 'rollcall_agent_errors_total',
      help: 'Heartbeat calls that failed, by error code.',
      labelNames: ['code'] as const,
    })
  }

  failed(code: string): void {
    this.errors.inc({ code })
  }
}
