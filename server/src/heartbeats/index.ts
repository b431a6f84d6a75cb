export { FleetRepository } from './fleet.repository.ts'
export { HeartbeatEngine } from './heartbeat-engine.ts'
export { HeartbeatsModule } from './heartbeats.module.ts'
export { RollRepository } from './roll.repository.ts'
