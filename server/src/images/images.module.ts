import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { AgentsModule } from '../agents/index.ts'
import { FilesModule } from '../files/index.ts'
import { HostsModule } from '../hosts/index.ts'
import type { Config } from '../platform/config/config.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { CONFIG } from '../platform/tokens.ts'
import { ToolsModule } from '../tools/index.ts'
import { ArchiveImages } from './archive-images.ts'
import { ArchiveReader } from './archive-reader.ts'
import { HostImages } from './host-images.ts'
import { HostPrograms } from './host-programs.ts'
import { HostPulls } from './host-pulls.ts'
import { ImageDelivery } from './image-delivery.ts'
import { ImagePulls } from './image-pulls.reconciler.ts'
import { ImagePullsRepository } from './image-pulls.repository.ts'
import { ImageStore } from './image-store.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesController } from './images.controller.ts'
import { ImagesRepository } from './images.repository.ts'
import { ImagesService } from './images.service.ts'
import { LayerCheck } from './layer-check.ts'
import { RegistriesController } from './registries.controller.ts'
import { RegistriesRepository } from './registries.repository.ts'
import { RegistriesService } from './registries.service.ts'
import { RegistryHttp } from './registry/registry-http.ts'
import { RegistryPuller } from './registry/registry-puller.ts'
import { RegistryResolver } from './registry/registry-resolver.ts'
import { RegistrySlotsRepository } from './registry-slots.repository.ts'
import { UnusedImageBlobsReconciler } from './unused-image-blobs.reconciler.ts'
import { VariantReader } from './variant-reader.ts'

@Module({
  imports: [AccessModule, AgentsModule, FilesModule, HostsModule, ToolsModule],
  controllers: [ImagesController, RegistriesController],
  providers: [
    {
      provide: ImageStore,
      inject: [DataDir, CONFIG],
      useFactory: (dataDir: DataDir, { imagesBytes }: Config) =>
        new ImageStore(dataDir.file('images'), imagesBytes),
    },
    ArchiveImages,
    ArchiveReader,
    HostImages,
    HostPrograms,
    HostPulls,
    ImageDelivery,
    ImagePulls,
    ImagePullsRepository,
    ImagesRepository,
    ImagesService,
    ImageUses,
    LayerCheck,
    RegistriesRepository,
    RegistriesService,
    RegistryHttp,
    RegistryPuller,
    RegistryResolver,
    RegistrySlotsRepository,
    UnusedImageBlobsReconciler,
    VariantReader,
  ],
  exports: [HostPulls, ImageDelivery, ImagesService, ImageUses, RegistryResolver],
})
export class ImagesModule {}
