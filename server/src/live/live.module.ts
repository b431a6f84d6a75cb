import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { RunsModule } from '../runs/index.ts'
import { ServicesModule } from '../services/index.ts'
import { TransfersModule } from '../transfers/index.ts'
import { FleetFeed } from './fleet-feed.reconciler.ts'
import { LiveGateway } from './live.gateway.ts'
import { LiveSources } from './live-connection.ts'
import { ServicesFeed } from './services-feed.reconciler.ts'

@Module({
  imports: [AccessModule, CommandsModule, HeartbeatsModule, RunsModule, ServicesModule, TransfersModule],
  providers: [FleetFeed, LiveGateway, LiveSources, ServicesFeed],
  exports: [LiveGateway],
})
export class LiveModule {}
