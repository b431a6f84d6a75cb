import { Injectable, type OnModuleInit } from '@nestjs/common'
import { type Listener, Notifications } from '../platform/prisma/notifications.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { ServiceChangesReconciler } from './service-changes.reconciler.ts'

const SERVICES = 'rollcall_services'
const HOSTS = 'rollcall_hosts'

/**
 * Wakes what carries out services once any server has applied, operated or removed one, and when a host comes, answers again, falls silent or
 * leaves. Steps and reports of instances ring by themselves.
 */
@Injectable()
export class ServiceNotices implements OnModuleInit {
  constructor(
    private readonly notifications: Notifications,
    private readonly instances: InstancesReconciler,
    private readonly changes: ServiceChangesReconciler,
  ) {}

  onModuleInit() {
    const wake = () => {
      this.changes.wake()
      this.instances.wake()
    }
    const ofServices: Listener = {
      onNotice: (payload) => {
        if (!payload.startsWith('instance ')) wake()
      },
      onGap: wake,
    }
    this.notifications.listen(SERVICES, ofServices)
    this.notifications.listen(HOSTS, { onNotice: wake, onGap: wake })
  }
}
