export type { Host, HostCredential, HostReach } from './domain/host.ts'
export { viewOfHost } from './host-view.ts'
export { HostsModule } from './hosts.module.ts'
export {
  BUSY,
  type HostGuard,
  type HostSettings,
  HostsRepository,
  type HostWork,
} from './hosts.repository.ts'
export { HostsService } from './hosts.service.ts'
