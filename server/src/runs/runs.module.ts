import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { AdmissionsRepository } from './admissions.repository.ts'
import { RunAdmissions } from './run-admissions.reconciler.ts'
import { RunOrders } from './run-orders.ts'
import { RunRights } from './run-rights.ts'
import { RunSummaries } from './run-summaries.ts'
import { RunsController } from './runs.controller.ts'
import { RunsRepository } from './runs.repository.ts'
import { RunsService } from './runs.service.ts'
import { TargetReach } from './target-reach.ts'

@Module({
  imports: [AccessModule, CommandsModule, HostsModule],
  controllers: [RunsController],
  providers: [
    AdmissionsRepository,
    RunsRepository,
    RunAdmissions,
    RunOrders,
    RunsService,
    RunSummaries,
    TargetReach,
    RunRights,
  ],
  exports: [RunsRepository, RunsService, TargetReach],
})
export class RunsModule {}
