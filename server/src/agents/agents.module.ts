import { Module } from '@nestjs/common'
import { IdentitiesModule } from '../identities/index.ts'
import { AgentsRepository } from './agents.repository.ts'
import { AgentsService } from './agents.service.ts'

@Module({
  imports: [IdentitiesModule],
  providers: [AgentsRepository, AgentsService],
  exports: [AgentsRepository, AgentsService],
})
export class AgentsModule {}
