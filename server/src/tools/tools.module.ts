import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { ArtifactsModule } from '../artifacts/index.ts'
import { FilesModule } from '../files/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { SshTools } from './ssh-tools.ts'
import { ToolsController } from './tools.controller.ts'
import { ToolsService } from './tools.service.ts'

@Module({
  imports: [AgentsModule, ArtifactsModule, FilesModule, HostsModule],
  controllers: [ToolsController],
  providers: [SshTools, ToolsService],
  exports: [SshTools, ToolsService],
})
export class ToolsModule {}
