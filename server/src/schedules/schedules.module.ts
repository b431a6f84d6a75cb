import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { RunsModule } from '../runs/index.ts'
import { SavedCommandsModule } from '../saved-commands/index.ts'
import { ScheduleReconciler } from './schedule.reconciler.ts'
import { SchedulesController } from './schedules.controller.ts'
import { SchedulesRepository } from './schedules.repository.ts'
import { SchedulesService } from './schedules.service.ts'

@Module({
  imports: [AccessModule, CommandsModule, RunsModule, SavedCommandsModule],
  controllers: [SchedulesController],
  providers: [SchedulesRepository, SchedulesService, ScheduleReconciler],
})
export class SchedulesModule {}
