import { Module } from '@nestjs/common'
import { CommandsModule } from '../commands/index.ts'
import { FilesModule } from '../files/index.ts'
import { GitSource } from '../platform/git/git-source.ts'
import { RunsModule } from '../runs/index.ts'
import { ToolsModule } from '../tools/index.ts'
import { Catalogue } from './catalogue.ts'
import { CollectionSync } from './collection-sync.ts'
import { CollectionsController } from './collections.controller.ts'
import { CollectionsRepository } from './collections.repository.ts'
import { CollectionsService } from './collections.service.ts'
import { PlaybookHandler } from './playbook.handler.ts'
import { PlaybooksController } from './playbooks.controller.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'
import { PlaybooksService } from './playbooks.service.ts'

@Module({
  imports: [CommandsModule, FilesModule, RunsModule, ToolsModule],
  controllers: [CollectionsController, PlaybooksController],
  providers: [
    { provide: GitSource, useFactory: () => new GitSource() },
    CollectionsRepository,
    CollectionsService,
    CollectionSync,
    {
      provide: Catalogue,
      inject: [CollectionsRepository],
      useFactory: (rows: CollectionsRepository) => new Catalogue(rows),
    },
    PlaybooksRepository,
    PlaybookHandler,
    PlaybooksService,
  ],
})
export class PlaybooksModule {}
