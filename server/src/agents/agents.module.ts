import { Module } from '@nestjs/common'
import { AgentsRepository } from './agents.repository.ts'
import { AgentsService } from './agents.service.ts'

@Module({
  providers: [AgentsRepository, AgentsService],
  exports: [AgentsRepository, AgentsService],
})
export class AgentsModule {}
