import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { FilesModule } from '../files/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { ToolsController } from './tools.controller.ts'
import { ToolsService } from './tools.service.ts'

@Module({
  imports: [AgentsModule, FilesModule, HostsModule],
  controllers: [ToolsController],
  providers: [ToolsService],
  exports: [ToolsService],
})
export class ToolsModule {}
