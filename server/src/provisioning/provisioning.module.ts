import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { ArtifactsModule } from '../artifacts/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { IdentitiesModule } from '../identities/index.ts'
import { RunsModule } from '../runs/index.ts'
import { AgentPorts } from './agent-ports.ts'
import { HostChanges } from './host-changes.ts'
import { MachinesRepository } from './machines.repository.ts'
import { Machines } from './machines.ts'
import { PortMoves } from './port-moves.reconciler.ts'
import { ProvisioningController } from './provisioning.controller.ts'
import { ProvisioningHandler } from './provisioning.handler.ts'
import { ProvisioningRepository } from './provisioning.repository.ts'
import { ProvisioningService } from './provisioning.service.ts'

@Module({
  imports: [
    AgentsModule,
    ArtifactsModule,
    CommandsModule,
    HeartbeatsModule,
    HostsModule,
    IdentitiesModule,
    RunsModule,
  ],
  controllers: [ProvisioningController],
  providers: [
    AgentPorts,
    HostChanges,
    Machines,
    MachinesRepository,
    PortMoves,
    ProvisioningRepository,
    ProvisioningService,
    ProvisioningHandler,
  ],
  exports: [ProvisioningHandler, ProvisioningService],
})
export class ProvisioningModule {}
