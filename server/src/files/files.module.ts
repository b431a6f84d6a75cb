import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { AgentFiles } from './agent-files.ts'

@Module({
  imports: [AgentsModule],
  providers: [AgentFiles],
  exports: [AgentFiles],
})
export class FilesModule {}
