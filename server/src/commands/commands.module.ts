import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { AgentCommandHandler } from './agent-command.handler.ts'
import { CommandEvents } from './command-events.ts'
import { CommandLeasesRepository } from './command-leases.repository.ts'
import { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import { CommandMetrics } from './command-metrics.ts'
import { CommandWorker } from './command-worker.ts'
import { CommandsController } from './commands.controller.ts'
import { CommandsRepository } from './commands.repository.ts'
import { CommandsService } from './commands.service.ts'
import { OldOutputReconciler } from './output/old-output.reconciler.ts'
import { OutputRepository } from './output/output.repository.ts'
import { OutputBudgetReconciler } from './output/output-budget.reconciler.ts'
import { OutputBudget } from './output/output-budget.ts'
import { OutputReader } from './output/output-reader.ts'
import { SpoolCleanup } from './spool-cleanup.reconciler.ts'
import { SpoolCleanupRepository } from './spool-cleanup.repository.ts'
import { TerminalAccess } from './terminal-access.ts'
import { TerminalInputRepository } from './terminal-input.repository.ts'
import { TerminalWritersRepository } from './terminal-writers.repository.ts'

@Module({
  imports: [AgentsModule, HostsModule],
  controllers: [CommandsController],
  providers: [
    CommandEvents,
    CommandsRepository,
    CommandLeasesRepository,
    CommandLifecycleRepository,
    CommandsService,
    CommandMetrics,
    CommandWorker,
    AgentCommandHandler,
    SpoolCleanup,
    SpoolCleanupRepository,
    OutputBudget,
    OutputReader,
    OutputRepository,
    OldOutputReconciler,
    OutputBudgetReconciler,
    TerminalInputRepository,
    TerminalAccess,
    TerminalWritersRepository,
  ],
  exports: [
    AgentCommandHandler,
    CommandEvents,
    CommandLifecycleRepository,
    CommandsRepository,
    CommandsService,
    CommandWorker,
    OutputReader,
    OutputRepository,
    TerminalAccess,
    TerminalInputRepository,
    TerminalWritersRepository,
  ],
})
export class CommandsModule {}
