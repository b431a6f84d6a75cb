import { Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { AuditLog } from './audit-log.ts'

/** Records one audit entry per minute that summarises refusals without an entry of their own. */
@Injectable()
export class RefusalSummaryReconciler extends Reconciler {
  override readonly name = 'unwritten-refusals'
  override readonly intervalMs = 60_000

  constructor(private readonly audit: AuditLog) {
    super()
  }

  override reconcile(): Promise<void> {
    return this.audit.recordRefusalSummary()
  }
}
