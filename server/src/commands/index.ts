export { AgentCommandHandler, type AgentWork } from './agent-command.handler.ts'
export { AgentPrograms, type EndedProgram } from './agent-programs.ts'
export { toCommandView } from './command.view.ts'
export { CommandEvents, type FollowedCommand } from './command-events.ts'
export type { CommandLease } from './command-lease.ts'
export { CommandLeasesRepository } from './command-leases.repository.ts'
export { CommandLifecycleRepository, IS_HELD } from './command-lifecycle.repository.ts'
export { type CommandHandler, CommandWorker, type DriveOutcome } from './command-worker.ts'
export { CommandsModule } from './commands.module.ts'
export { CommandsRepository } from './commands.repository.ts'
export { CommandsService } from './commands.service.ts'
export {
  type Command,
  type CommandSpec,
  type EndedCommand,
  type Ending,
  type LeasedCommand,
  newCommand,
  WITHOUT_TERMINAL,
} from './domain/command.ts'
export { endingOfUnstarted, nextStep } from './domain/next-step.ts'
export { hashOf, stepIdOf } from './domain/run-ids.ts'
export type { OpenTerminal } from './domain/terminal.ts'
export type { OutputStored } from './output/domain/latest-output.ts'
export { joinChunks, splitPiece } from './output/domain/output.ts'
export { OutputRepository } from './output/output.repository.ts'
export { OutputReader } from './output/output-reader.ts'
export { OutputWriter } from './output/output-writer.ts'
export { TerminalAccess } from './terminal-access.ts'
export { INPUT_CHANNEL, TerminalInputRepository } from './terminal-input.repository.ts'
export { TerminalWritersRepository } from './terminal-writers.repository.ts'
