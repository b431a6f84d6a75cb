export type { Host, HostReach } from './domain/host.ts'
export {
  BUSY_STATES,
  type HostGuard,
  type HostSettings,
  type HostStateChange,
  type HostToStore,
  type ProvisioningEnd,
} from './domain/host.ts'
export { toHostView } from './host.view.ts'
export { HostsModule } from './hosts.module.ts'
export { HostsRepository } from './hosts.repository.ts'
export { HostsService } from './hosts.service.ts'
