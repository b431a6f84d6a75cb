import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { ArtifactsModule } from '../artifacts/index.ts'
import { BlobsModule } from '../blobs/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { FilesModule } from '../files/index.ts'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { ProvisioningModule } from '../provisioning/index.ts'
import { RunsModule } from '../runs/index.ts'
import { ToolsModule } from '../tools/index.ts'
import { UpgradeHandler } from './upgrade.handler.ts'
import { UpgradeReconciler } from './upgrade.reconciler.ts'
import { UpgradesController } from './upgrades.controller.ts'
import { UpgradesRepository } from './upgrades.repository.ts'
import { UpgradesService } from './upgrades.service.ts'

@Module({
  imports: [
    AgentsModule,
    ArtifactsModule,
    BlobsModule,
    CommandsModule,
    FilesModule,
    HeartbeatsModule,
    HostsModule,
    ProvisioningModule,
    RunsModule,
    ToolsModule,
  ],
  controllers: [UpgradesController],
  providers: [UpgradesRepository, UpgradesService, UpgradeHandler, UpgradeReconciler],
})
export class UpgradesModule {}
