import { Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { AuditLog } from './audit-log.ts'

/** Writes the newest audit entry to the server log every hour, which makes truncation detectable. */
@Injectable()
export class AuditHeadReconciler extends Reconciler {
  override readonly name = 'audit-head'
  override readonly intervalMs = 3_600_000

  constructor(private readonly audit: AuditLog) {
    super()
  }

  override reconcile(): Promise<void> {
    return this.audit.reportHead()
  }
}
