import { Injectable } from '@nestjs/common'
import { Metrics } from '../platform/metrics/metrics.ts'
import { Database } from '../platform/prisma/database.ts'
import { JobQueue } from '../platform/queue/job-queue.ts'

/** How busy the database's connections and the queue are, for Prometheus. */
@Injectable()
export class PlatformMetrics {
  constructor(metrics: Metrics, database: Database, queue: JobQueue) {
    metrics.gauge({
      name: 'rollcall_database_connections',
      help: 'Connections of the pool: open, idle among them; and callers that wait for one.',
      labelNames: ['state'] as const,
      collect() {
        const { totalCount, idleCount, waitingCount } = database.pool
        this.set({ state: 'open' }, totalCount)
        this.set({ state: 'idle' }, idleCount)
        this.set({ state: 'waiting' }, waitingCount)
      },
    })
    metrics.gauge({
      name: 'rollcall_queue_jobs',
      help: 'Commands in the queue: waiting to be taken, and being taken.',
      labelNames: ['state'] as const,
      async collect() {
        const { waiting, active } = await queue.depth()
        this.set({ state: 'waiting' }, waiting)
        this.set({ state: 'active' }, active)
      },
    })
  }
}
