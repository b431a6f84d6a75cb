export { AgentCommandHandler, type AgentWork } from './agent-command.handler.ts'
export { CommandEvents, type FollowedCommand } from './command-events.ts'
export { toView } from './command-view.ts'
export { type CommandHandler, CommandWorker, type HeldCommand } from './command-worker.ts'
export { CommandsModule } from './commands.module.ts'
export { CommandsRepository, type NewCommandRun } from './commands.repository.ts'
export { CommandsService } from './commands.service.ts'
export {
  type ClaimedCommand,
  type Command,
  type CommandSpec,
  type Ending,
  newCommand,
} from './domain/command.ts'
export type { OutputStored } from './domain/latest-output.ts'
export { endingOfUnstarted, nextStep } from './domain/next-step.ts'
export { joinChunks, splitPiece } from './domain/output.ts'
export { hashOf, stepIdOf } from './domain/run-ids.ts'
export { TerminalAccess } from './terminal-access.ts'
export { INPUT_CHANNEL, TerminalInputRepository } from './terminal-input.repository.ts'
export { type OpenTerminal, TerminalWritersRepository } from './terminal-writers.repository.ts'
export { WorkRepository } from './work.repository.ts'
