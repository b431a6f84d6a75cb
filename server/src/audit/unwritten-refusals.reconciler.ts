import { Injectable } from '@nestjs/common'
import { Reconciler } from '../platform/background/reconciler.ts'
import { AuditLog } from './audit-log.ts'

/** Writes one audit entry a minute about all refusals that have none of their own. */
@Injectable()
export class UnwrittenRefusalsReconciler extends Reconciler {
  override readonly name = 'unwritten-refusals'
  override readonly intervalMs = 60_000

  constructor(private readonly audit: AuditLog) {
    super()
  }

  override reconcile(): Promise<void> {
    return this.audit.writeUnwritten()
  }
}
