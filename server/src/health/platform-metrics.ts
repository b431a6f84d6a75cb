import { Injectable } from '@nestjs/common'
import { Metrics } from '../platform/metrics/metrics.ts'
import { DatabaseHealth } from '../platform/prisma/database-health.ts'
import { JobQueue } from '../platform/queue/job-queue.ts'

/** Exports the load of the database connections and the queue to Prometheus. */
@Injectable()
export class PlatformMetrics {
  constructor(metrics: Metrics, database: DatabaseHealth, queue: JobQueue) {
    metrics.states({
      name: 'rollcall_database_connections',
      help: 'Connections of the pool: open, idle (a part of open), and callers waiting for one.',
      states: ['open', 'idle', 'waiting'],
      count: () => database.connections(),
    })
    metrics.states({
      name: 'rollcall_queue_jobs',
      help: 'Commands in the queue: waiting, and being processed.',
      states: ['waiting', 'active'],
      count: () => queue.depth(),
    })
  }
}
