import { Module } from '@nestjs/common'
import { HOST_STATES } from '@rollcall/contracts/admin'
import { AgentsModule } from '../agents/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { FleetController } from './fleet.controller.ts'
import { FleetRepository } from './fleet.repository.ts'
import { FleetService } from './fleet.service.ts'
import { HeartbeatEngine } from './heartbeat-engine.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
import { HostHistoryReconciler } from './host-history.reconciler.ts'
import { ProfilesController } from './profiles.controller.ts'
import { ProfilesRepository } from './profiles.repository.ts'
import { ProfilesService } from './profiles.service.ts'
import { RollRepository } from './roll.repository.ts'
import { RollCaller } from './roll-caller.ts'

@Module({
  imports: [AgentsModule, HostsModule],
  controllers: [FleetController, ProfilesController],
  providers: [
    RollRepository,
    RollCaller,
    HeartbeatMetrics,
    HeartbeatEngine,
    FleetRepository,
    FleetService,
    HostHistoryReconciler,
    ProfilesRepository,
    ProfilesService,
  ],
  exports: [HeartbeatEngine, RollRepository, FleetRepository, ProfilesService],
})
export class HeartbeatsModule {
  constructor(metrics: Metrics, fleet: FleetRepository) {
    metrics.states({
      name: 'rollcall_agents',
      help: 'Hosts of the fleet by state.',
      states: HOST_STATES,
      count: () => fleet.countByState(),
    })
  }
}
