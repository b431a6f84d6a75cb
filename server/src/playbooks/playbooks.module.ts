import { Module } from '@nestjs/common'
import { CommandsModule } from '../commands/index.ts'
import { RunsModule } from '../runs/index.ts'
import { ToolsModule } from '../tools/index.ts'
import { Catalogue } from './catalogue.ts'
import { PlaybookHandler } from './playbook.handler.ts'
import { PlaybooksController } from './playbooks.controller.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'
import { PlaybooksService } from './playbooks.service.ts'

@Module({
  imports: [CommandsModule, RunsModule, ToolsModule],
  controllers: [PlaybooksController],
  providers: [Catalogue, PlaybooksRepository, PlaybookHandler, PlaybooksService],
})
export class PlaybooksModule {}
