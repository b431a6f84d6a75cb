import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { BlobsModule } from '../blobs/index.ts'
import { AgentFileReader } from './agent-file-reader.ts'
import { AgentFiles } from './agent-files.ts'

@Module({
  imports: [AgentsModule, BlobsModule],
  providers: [AgentFileReader, AgentFiles],
  exports: [AgentFileReader, AgentFiles],
})
export class FilesModule {}
