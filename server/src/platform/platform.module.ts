import { type DynamicModule, Global, Module } from '@nestjs/common'
import { DiscoveryModule } from '@nestjs/core'
import { BackgroundTasks } from './background/background-tasks.ts'
import { TaskMetrics } from './background/task-metrics.ts'
import { Clock, SystemClock } from './clock/clock.ts'
import type { Config } from './config/config.ts'
import { DataDir } from './config/data-dir.ts'
import { PasswordHasher } from './crypto/password-hasher.ts'
import { Sealer } from './crypto/sealer.ts'
import { ServerLease } from './leases/server-lease.reconciler.ts'
import { ServerLeaseRepository } from './leases/server-lease.repository.ts'
import { LOGGER, type Logger } from './log.ts'
import { Metrics } from './metrics/metrics.ts'
import { OutgoingAddresses } from './network/outgoing-addresses.ts'
import { Database } from './prisma/database.ts'
import { DatabaseHealth } from './prisma/database-health.ts'
import { Notifications } from './prisma/notifications.ts'
import { JobQueue } from './queue/job-queue.ts'
import { CONFIG, SERVER_ID, VERSION } from './tokens.ts'

/** The resources that the server opens before its features start. */
export interface Platform {
  version: string
  config: Config
  log: Logger
  dataDir: DataDir
  sealer: Sealer
  passwords: PasswordHasher
  database: Database
  /** The public part of the queue, so that tests can replace it. */
  queue: Pick<JobQueue, keyof JobQueue>
}

/** Provides the ports to the outside to every feature. */
@Global()
@Module({})
export class PlatformModule {
  static of(platform: Platform): DynamicModule {
    const providers = [
      { provide: VERSION, useValue: platform.version },
      { provide: CONFIG, useValue: platform.config },
      { provide: LOGGER, useValue: platform.log },
      { provide: SERVER_ID, useValue: platform.dataDir.installationId },
      { provide: DataDir, useValue: platform.dataDir },
      { provide: Sealer, useValue: platform.sealer },
      { provide: PasswordHasher, useValue: platform.passwords },
      { provide: Database, useValue: platform.database },
      { provide: JobQueue, useValue: platform.queue },
      {
        provide: OutgoingAddresses,
        useValue: new OutgoingAddresses(() => platform.config.allowedAddresses),
      },
      { provide: Clock, useClass: SystemClock },
      Notifications,
      DatabaseHealth,
      Metrics,
      TaskMetrics,
      BackgroundTasks,
      ServerLeaseRepository,
      ServerLease,
    ]
    return { module: PlatformModule, imports: [DiscoveryModule], providers, exports: providers }
  }
}
