import { Module } from '@nestjs/common'
import { IdentitiesModule } from '../identities/index.ts'
import { HostsController } from './hosts.controller.ts'
import { HostsRepository } from './hosts.repository.ts'
import { HostsService } from './hosts.service.ts'

@Module({
  imports: [IdentitiesModule],
  controllers: [HostsController],
  providers: [HostsRepository, HostsService],
  exports: [HostsRepository, HostsService],
})
export class HostsModule {}
