import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { BlobsModule } from '../blobs/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { FilesModule } from '../files/index.ts'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { ImagesModule } from '../images/index.ts'
import { PlaybooksModule } from '../playbooks/index.ts'
import { ProvisioningModule, ProvisioningService } from '../provisioning/index.ts'
import { RunsModule } from '../runs/index.ts'
import { SecretsModule } from '../secrets/index.ts'
import { ToolsModule } from '../tools/index.ts'
import { InstanceHandler } from './instance.handler.ts'
import { InstanceCommands } from './instance-commands.service.ts'
import { InstanceOrders } from './instance-orders.ts'
import { InstancePortsRepository } from './instance-ports.repository.ts'
import { InstanceReportsReconciler } from './instance-reports.reconciler.ts'
import { InstanceReportsRepository } from './instance-reports.repository.ts'
import { InstanceStepDriver } from './instance-step-driver.ts'
import { InstancesController } from './instances.controller.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { InstancesRepository } from './instances.repository.ts'
import { LogReadingsRepository } from './log-readings.repository.ts'
import { OperationsRepository } from './operations.repository.ts'
import { OperationsService } from './operations.service.ts'
import { ServiceChangesReconciler } from './service-changes.reconciler.ts'
import { ServiceChangesRepository } from './service-changes.repository.ts'
import { ServiceNotices } from './service-notices.ts'
import { ServiceSparesReconciler } from './service-spares.reconciler.ts'
import { ServicesModule } from './services.module.ts'
import { SlotPlacer } from './slot-placer.ts'
import { UnplacedSlotsReconciler } from './unplaced-slots.reconciler.ts'
import { UnplacedSlotsRepository } from './unplaced-slots.repository.ts'

/** Drives instances to their hosts, and operates on them. */
@Module({
  imports: [
    AgentsModule,
    BlobsModule,
    CommandsModule,
    FilesModule,
    HeartbeatsModule,
    HostsModule,
    ImagesModule,
    PlaybooksModule,
    ProvisioningModule,
    RunsModule,
    SecretsModule,
    ServicesModule,
    ToolsModule,
  ],
  controllers: [InstancesController],
  providers: [
    InstanceCommands,
    InstanceHandler,
    InstanceOrders,
    InstancePortsRepository,
    InstanceReportsReconciler,
    InstanceReportsRepository,
    InstancesReconciler,
    InstancesRepository,
    InstanceStepDriver,
    LogReadingsRepository,
    OperationsRepository,
    OperationsService,
    ServiceChangesReconciler,
    ServiceChangesRepository,
    ServiceNotices,
    ServiceSparesReconciler,
    SlotPlacer,
    UnplacedSlotsReconciler,
    UnplacedSlotsRepository,
  ],
})
export class InstancesModule {
  constructor(provisioning: ProvisioningService, instances: InstancesRepository) {
    provisioning.onRemoval((hostId) => instances.namesOn(hostId))
  }
}
