import { Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { AccessModule, AccessService } from '../access/index.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AuditController } from './audit.controller.ts'
import { AuditInterceptor, aboutOf } from './audit.interceptor.ts'
import { AuditRepository } from './audit.repository.ts'
import { AuditHeadReconciler } from './audit-head.reconciler.ts'
import { AuditHeads } from './audit-heads.ts'
import { AuditLog } from './audit-log.ts'
import { UnwrittenRefusalsReconciler } from './unwritten-refusals.reconciler.ts'

@Module({
  imports: [AccessModule],
  controllers: [AuditController],
  providers: [
    AuditHeads,
    AuditRepository,
    AuditLog,
    AuditHeadReconciler,
    UnwrittenRefusalsReconciler,
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
  ],
  exports: [AuditLog],
})
export class AuditModule implements OnModuleInit, OnModuleDestroy {
  constructor(
    private readonly access: AccessService,
    private readonly audit: AuditLog,
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
  }

  async onModuleDestroy() {
    await this.audit
      .writeUnwritten()
      .catch((error) => this.log.warn({ err: error }, 'refusals without an entry could not be written down'))
    await this.audit.settled()
  }
}
