import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { BlobsModule } from '../blobs/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { FilesModule } from '../files/index.ts'
import { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { ProvisioningModule } from '../provisioning/index.ts'
import { RunsModule } from '../runs/index.ts'
import { ToolsModule } from '../tools/index.ts'
import { Catalogue } from './catalogue.ts'
import { CollectionSync } from './collection-sync.ts'
import { CollectionUses } from './collection-uses.ts'
import { CollectionsController } from './collections.controller.ts'
import { CollectionsRepository } from './collections.repository.ts'
import { CollectionsService } from './collections.service.ts'
import { GitSource } from './git/git-source.ts'
import { ManagedPlaybooks } from './managed-playbooks.ts'
import { PlaybookHandler } from './playbook.handler.ts'
import { PlaybooksController } from './playbooks.controller.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'
import { PlaybooksService } from './playbooks.service.ts'
import { SshPlaybooks } from './ssh-playbooks.ts'

@Module({
  imports: [
    AgentsModule,
    BlobsModule,
    CommandsModule,
    FilesModule,
    ProvisioningModule,
    RunsModule,
    ToolsModule,
  ],
  controllers: [CollectionsController, PlaybooksController],
  providers: [
    {
      provide: GitSource,
      inject: [OutgoingAddresses],
      useFactory: (outgoing: OutgoingAddresses) => new GitSource(outgoing),
    },
    CollectionsRepository,
    CollectionsService,
    CollectionSync,
    CollectionUses,
    Catalogue,
    ManagedPlaybooks,
    PlaybooksRepository,
    SshPlaybooks,
    PlaybookHandler,
    PlaybooksService,
  ],
  exports: [CollectionSync, CollectionUses, ManagedPlaybooks],
})
export class PlaybooksModule {}
