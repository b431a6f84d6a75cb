import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { RunsModule } from '../runs/index.ts'
import { TransfersModule } from '../transfers/index.ts'
import { FleetFeed } from './fleet-feed.reconciler.ts'
import { LiveGateway } from './live.gateway.ts'
import { LiveSources } from './live-connection.ts'

@Module({
  imports: [AccessModule, CommandsModule, HeartbeatsModule, RunsModule, TransfersModule],
  providers: [FleetFeed, LiveGateway, LiveSources],
  exports: [LiveGateway],
})
export class LiveModule {}
