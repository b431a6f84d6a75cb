import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { FilesModule } from '../files/index.ts'
import { ToolsService } from './tools.service.ts'

@Module({
  imports: [AgentsModule, FilesModule],
  providers: [ToolsService],
  exports: [ToolsService],
})
export class ToolsModule {}
