import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { RunsModule } from '../runs/index.ts'
import { SavedCommandsController } from './saved-commands.controller.ts'
import { SavedCommandsRepository } from './saved-commands.repository.ts'
import { SavedCommandsService } from './saved-commands.service.ts'

@Module({
  imports: [AccessModule, RunsModule],
  controllers: [SavedCommandsController],
  providers: [SavedCommandsRepository, SavedCommandsService],
  exports: [SavedCommandsService],
})
export class SavedCommandsModule {}
