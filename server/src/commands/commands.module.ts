import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { AgentCommandHandler } from './agent-command.handler.ts'
import { CommandEvents } from './command-events.ts'
import { CommandMetrics } from './command-metrics.ts'
import { CommandReleases } from './command-releases.ts'
import { CommandWorker } from './command-worker.ts'
import { CommandsController } from './commands.controller.ts'
import { CommandsRepository } from './commands.repository.ts'
import { CommandsService } from './commands.service.ts'
import { OutputRepository } from './output.repository.ts'
import { OutputBudget } from './output-budget.ts'
import { OutputReader } from './output-reader.ts'
import { OutputRetention } from './output-retention.ts'
import { TerminalAccess } from './terminal-access.ts'
import { TerminalInputRepository } from './terminal-input.repository.ts'
import { TerminalWritersRepository } from './terminal-writers.repository.ts'
import { WorkRepository } from './work.repository.ts'

@Module({
  imports: [AgentsModule, HostsModule],
  controllers: [CommandsController],
  providers: [
    CommandEvents,
    CommandsRepository,
    WorkRepository,
    CommandsService,
    CommandMetrics,
    CommandWorker,
    AgentCommandHandler,
    CommandReleases,
    OutputBudget,
    OutputReader,
    OutputRepository,
    OutputRetention,
    TerminalInputRepository,
    TerminalAccess,
    TerminalWritersRepository,
  ],
  exports: [
    AgentCommandHandler,
    CommandEvents,
    CommandsRepository,
    CommandsService,
    CommandWorker,
    TerminalAccess,
    TerminalInputRepository,
    TerminalWritersRepository,
  ],
})
export class CommandsModule {}
