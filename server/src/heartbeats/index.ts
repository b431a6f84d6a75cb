export { FleetRepository } from './fleet.repository.ts'
export { HeartbeatsModule } from './heartbeats.module.ts'
export { ProfilesService } from './profiles.service.ts'
export { RollRepository } from './roll.repository.ts'
