import { Module } from '@nestjs/common'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { ImagesModule, ImageUses } from '../images/index.ts'
import { CollectionUses, PlaybooksModule } from '../playbooks/index.ts'
import { SecretsModule, SecretUses } from '../secrets/index.ts'
import { ApplyRepository } from './apply.repository.ts'
import { FleetView } from './fleet-view.ts'
import { HistoryRepository } from './history.repository.ts'
import { PlacementsService } from './placements.service.ts'
import { PlanApplier } from './plan-applier.ts'
import { PlanImages } from './plan-images.ts'
import { PlanMaker } from './plan-maker.ts'
import { PlanReader } from './plan-reader.ts'
import { PlansRepository } from './plans.repository.ts'
import { PlansService } from './plans.service.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { ServiceAccess } from './service-access.ts'
import { ServicesController } from './services.controller.ts'
import { ServicesRepository } from './services.repository.ts'
import { ServicesService } from './services.service.ts'
import { ServicesLock } from './services-lock.repository.ts'
import { SparesRepository } from './spares.repository.ts'
import { UsesRepository } from './uses.repository.ts'

@Module({
  imports: [HeartbeatsModule, ImagesModule, PlaybooksModule, SecretsModule],
  controllers: [ServicesController],
  providers: [
    ApplyRepository,
    FleetView,
    HistoryRepository,
    PlacementsService,
    PlanApplier,
    PlanImages,
    PlanMaker,
    PlanReader,
    PlansRepository,
    PlansService,
    RevisionsRepository,
    ServiceAccess,
    ServicesLock,
    ServicesRepository,
    ServicesService,
    SparesRepository,
    UsesRepository,
  ],
  exports: [
    ApplyRepository,
    FleetView,
    RevisionsRepository,
    ServiceAccess,
    ServicesLock,
    ServicesRepository,
    SparesRepository,
  ],
})
export class ServicesModule {
  constructor(
    uses: UsesRepository,
    spares: SparesRepository,
    secrets: SecretUses,
    images: ImageUses,
    collections: CollectionUses,
  ) {
    collections.register((sql, name) => uses.collections(sql, name))
    images.register((sql) => uses.images(sql))
    images.registerSpares(() => spares.digests())
    images.registerOnHosts((hostId) => uses.imagesOn(hostId))
    secrets.register((sql, names) => uses.secrets(sql, names))
  }
}
