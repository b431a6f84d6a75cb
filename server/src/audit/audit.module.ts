import { Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { AccessModule, AccessService } from '../access/index.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AuditController } from './audit.controller.ts'
import { AuditInterceptor, toAuditSubject } from './audit.interceptor.ts'
import { AuditRepository } from './audit.repository.ts'
import { AuditHeadReconciler } from './audit-head.reconciler.ts'
import { AuditHeads } from './audit-heads.ts'
import { AuditLog } from './audit-log.ts'
import { RefusalSummaryReconciler } from './refusal-summary.reconciler.ts'

@Module({
  imports: [AccessModule],
  controllers: [AuditController],
  providers: [
    AuditHeads,
    AuditRepository,
    AuditLog,
    AuditHeadReconciler,
    RefusalSummaryReconciler,
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
    // A refusal holds even if recording it fails.
    this.access.onRefused((request, route, code) =>
      this.audit
        .recordRefusal(toAuditSubject(route, request), code)
        .catch((error) =>
          this.log.warn({ err: error, route }, 'failed to record a refusal in the audit log'),
        ),
    )
    await this.audit.initialize()
  }

  async onModuleDestroy() {
    await this.audit
      .recordRefusalSummary()
      .catch((error) =>
        this.log.warn({ err: error }, 'failed to record the summary of refusals in the audit log'),
      )
    await this.audit.flushed()
  }
}
