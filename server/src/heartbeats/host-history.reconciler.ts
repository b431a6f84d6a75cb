import { Injectable } from '@nestjs/common'
import { CAN_WAIT_MS, Reconciler } from '../platform/background/reconciler.ts'
import { FleetRepository } from './fleet.repository.ts'

const KEEP_EVENTS_MS = 90 * 86_400_000
const EVENTS_PER_HOST = 500

/** Keeps the histories of hosts' states within their bounds. */
@Injectable()
export class HostHistoryReconciler extends Reconciler {
  override readonly name = 'host-history'
  override readonly intervalMs = 600_000
  override readonly startDelayMs = CAN_WAIT_MS

  constructor(private readonly fleet: FleetRepository) {
    super()
  }

  override reconcile(now: Date): Promise<void> {
    return this.fleet.removeEvents(new Date(now.getTime() - KEEP_EVENTS_MS), EVENTS_PER_HOST)
  }
}
