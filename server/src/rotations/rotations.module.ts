import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { IdentitiesModule } from '../identities/index.ts'
import { RunsModule } from '../runs/index.ts'
import { RotationDriver } from './rotation-driver.ts'
import { RotationListRepository } from './rotation-list.repository.ts'
import { RotationSchedule } from './rotation-schedule.ts'
import { RotationsController } from './rotations.controller.ts'
import { RotationsRepository } from './rotations.repository.ts'
import { RotationsService } from './rotations.service.ts'

@Module({
  imports: [AgentsModule, IdentitiesModule, RunsModule],
  controllers: [RotationsController],
  providers: [
    RotationsRepository,
    RotationListRepository,
    RotationsService,
    RotationDriver,
    RotationSchedule,
  ],
  exports: [RotationDriver],
})
export class RotationsModule {}
