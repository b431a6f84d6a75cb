import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { FleetController } from './fleet.controller.ts'
import { FleetRepository } from './fleet.repository.ts'
import { FleetService } from './fleet.service.ts'
import { FleetUpkeep } from './fleet-upkeep.ts'
import { HeartbeatEngine } from './heartbeat-engine.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
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
    FleetUpkeep,
    ProfilesRepository,
    ProfilesService,
  ],
  exports: [HeartbeatEngine, RollRepository, FleetRepository, ProfilesService],
})
export class HeartbeatsModule {}
