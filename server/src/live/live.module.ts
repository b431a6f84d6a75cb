import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { RunsModule } from '../runs/index.ts'
import { LiveGateway } from './live.gateway.ts'

@Module({
  imports: [AccessModule, CommandsModule, RunsModule],
  providers: [LiveGateway],
  exports: [LiveGateway],
})
export class LiveModule {}
