import { Module } from '@nestjs/common'
import { HOST_STATES } from '@rollcall/contracts/admin'
import { AgentsModule } from '../agents/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { AgentShares } from './agent-shares.reconciler.ts'
import { CapacitiesRepository } from './capacities.repository.ts'
import { FleetController } from './fleet.controller.ts'
import { FleetRepository } from './fleet.repository.ts'
import { FleetService } from './fleet.service.ts'
import { HeartbeatReconciler } from './heartbeat.reconciler.ts'
import { HeartbeatCaller } from './heartbeat-caller.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
import { HeartbeatResults } from './heartbeat-results.reconciler.ts'
import { HeartbeatResultsRepository } from './heartbeat-results.repository.ts'
import { HeartbeatsRepository } from './heartbeats.repository.ts'
import { HeartbeatsService } from './heartbeats.service.ts'
import { HostHistoryReconciler } from './host-history.reconciler.ts'
import { ProfilesController } from './profiles.controller.ts'
import { ProfilesRepository } from './profiles.repository.ts'
import { ProfilesService } from './profiles.service.ts'
import { RollRepository } from './roll.repository.ts'

@Module({
  imports: [AgentsModule, CommandsModule, HostsModule],
  controllers: [FleetController, ProfilesController],
  providers: [
    RollRepository,
    HeartbeatCaller,
    HeartbeatMetrics,
    HeartbeatResults,
    HeartbeatResultsRepository,
    AgentShares,
    HeartbeatReconciler,
    HeartbeatsRepository,
    HeartbeatsService,
    CapacitiesRepository,
    FleetRepository,
    FleetService,
    HostHistoryReconciler,
    ProfilesRepository,
    ProfilesService,
  ],
  exports: [
    CapacitiesRepository,
    HeartbeatsRepository,
    HeartbeatsService,
    RollRepository,
    FleetRepository,
    ProfilesService,
  ],
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
