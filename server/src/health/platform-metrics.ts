import { Injectable } from '@nestjs/common'
import { Metrics } from '../platform/metrics/metrics.ts'
import { DatabaseHealth } from '../platform/prisma/database-health.ts'
import { JobQueue } from '../platform/queue/job-queue.ts'

/** How busy the database's connections and the queue are, for Prometheus. */
@Injectable()
export class PlatformMetrics {
  constructor(metrics: Metrics, database: DatabaseHealth, queue: JobQueue) {
    metrics.states({
      name: 'rollcall_database_connections',
      help: 'Connections of the pool: open, idle among them; and callers that wait for one.',
      states: ['open', 'idle', 'waiting'],
      count: () => database.connections(),
    })
    metrics.states({
      name: 'rollcall_queue_jobs',
      help: 'Commands in the queue: waiting to be taken, and being taken.',
      states: ['waiting', 'active'],
      count: () => queue.depth(),
    })
  }
}
