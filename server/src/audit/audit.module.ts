import { Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { AccessModule, AccessService } from '../access/index.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AuditController } from './audit.controller.ts'
import { AuditInterceptor, aboutOf } from './audit.interceptor.ts'
import { AuditRepository } from './audit.repository.ts'
import { AuditHeads } from './audit-heads.ts'
import { AuditLog } from './audit-log.ts'

/** How often refusals without an entry are told in one. */
const UNWRITTEN_MS = 60_000
/** How often the log of the server says what the newest entry is. */
const HEAD_MS = 3_600_000

@Module({
  imports: [AccessModule],
  controllers: [AuditController],
  providers: [
    AuditHeads,
    AuditRepository,
    AuditLog,
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
  ],
  exports: [AuditLog],
})
export class AuditModule implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private running: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly access: AccessService,
    private readonly audit: AuditLog,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async onModuleInit() {
    // A refusal stands whether or not it can be written down.
    this.access.onRefused((request, route, code) =>
      this.audit
        .refused(aboutOf(route, request), code)
        .catch((error) => this.log.warn({ err: error, route }, 'a refusal could not be written down')),
    )
    await this.audit.begin()
    const { signal } = this.stopping
    this.running = Promise.all([
      this.repeater.repeat('writing down refusals', UNWRITTEN_MS, signal, () => this.audit.writeUnwritten()),
      this.repeater.repeat('telling the head of the audit log', HEAD_MS, signal, () => this.audit.tellHead()),
    ])
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.running
    await this.audit
      .writeUnwritten()
      .catch((error) => this.log.warn({ err: error }, 'refusals without an entry could not be written down'))
    await this.audit.settled()
  }
}
