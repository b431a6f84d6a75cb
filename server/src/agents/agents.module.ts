import { Module } from '@nestjs/common'
import { AgentsRepository } from './agents.repository.ts'
import { AgentsService } from './agents.service.ts'
import { ObservationsRepository } from './observations.repository.ts'

@Module({
  providers: [AgentsRepository, ObservationsRepository, AgentsService],
  exports: [AgentsRepository, AgentsService],
})
export class AgentsModule {}
