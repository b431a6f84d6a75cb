import { Controller, Inject } from '@nestjs/common'
import type { Response } from 'express'
import { BackgroundTasks } from '../platform/background/background-tasks.ts'
import { taskWarnings } from '../platform/background/task-health.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { Config } from '../platform/config/config.ts'
import { Endpoint, Reply } from '../platform/http/endpoint.ts'
import { describeApi } from '../platform/http/openapi.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { DatabaseHealth } from '../platform/prisma/database-health.ts'
import { JobQueue } from '../platform/queue/job-queue.ts'
import { CONFIG, VERSION } from '../platform/tokens.ts'
import { AnsibleAgeReconciler } from './ansible-age.reconciler.ts'

@Controller()
export class HealthController {
  constructor(
    private readonly database: DatabaseHealth,
    private readonly queue: JobQueue,
    private readonly metrics: Metrics,
    private readonly ansible: AnsibleAgeReconciler,
    private readonly background: BackgroundTasks,
    private readonly clock: Clock,
    @Inject(VERSION) private readonly version: string,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Endpoint('health')
  health() {
    return { status: 'ok', version: this.version }
  }

  @Endpoint('ready')
  async ready(@Reply() response: Response) {
    const [database, queue] = await Promise.all([this.database.isUp(), this.queue.isUp()])
    const isReady = database && queue
    if (!isReady) response.status(503)
    return {
      status: isReady ? 'ready' : 'not_ready',
      database: database ? 'up' : 'down',
      queue: queue ? 'up' : 'down',
      warnings: [
        ...(this.ansible.warning === null ? [] : [this.ansible.warning]),
        ...taskWarnings(this.background.statuses(), this.clock.now()),
      ],
    }
  }

  @Endpoint('metrics')
  metricsText() {
    return this.metrics.text()
  }

  @Endpoint('openapi')
  openapi() {
    return describeApi(this.version, this.config.publicUrl)
  }
}
