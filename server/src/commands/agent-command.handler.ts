import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { AgentParamsInput } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { AgentCommandFollower, toLogParams } from './agent-command-follower.ts'
import type { CommandLease } from './command-lease.ts'
import { type CommandHandler, CommandWorker, type DriveOutcome } from './command-worker.ts'
import { CommandsRepository } from './commands.repository.ts'
import type { Ending, LeasedCommand } from './domain/command.ts'
import { ENDING_BY_CODE, type LogAnswer } from './domain/log-answer.ts'
import { endingOfUnstarted, giveUp, nextStep } from './domain/next-step.ts'

/** How long the first question for output waits, which is sent with the request to start: what runs for longer counts as running after that. */
const FIRST_WAIT_MS = 500

/** Differences between the kinds of command that an agent runs. */
export interface AgentWork {
  /** Makes the request to start; asked again at each attempt, it must give the same each time. */
  start(): Promise<StartCall>
  /** Completes how the command ended, once all output is stored. Safe to repeat. */
  end?(ending: Ending): Promise<Ending>
}

/** The call that makes an agent start a command. */
export type StartCall =
  | { method: 'execute_command'; params: AgentParamsInput<'execute_command'> }
  | { method: 'execute_ansible'; params: AgentParamsInput<'execute_ansible'> }

/** Runs a command through its host's agent: starts it, follows its output, and finds out how it ended. */
@Injectable()
export class AgentCommandHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly commands: CommandsRepository,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
  ) {}

  onModuleInit() {
    this.worker.register('command', this)
    this.worker.register('terminal', this)
  }

  drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome> {
    const start = async () => ({ method: 'execute_command', params: toParams(command) }) as const
    return this.driveWith(command, lease, { start })
  }

  /** Drives a command that is started in another way. Throws what stopped it before its end. */
  async driveWith(command: LeasedCommand, lease: CommandLease, work: AgentWork): Promise<DriveOutcome> {
    const step = nextStep(command, this.clock.now())
    try {
      if (step.do === 'end') return step
      if (step.do === 'start') return await this.start(command, lease, work)
      if (step.do === 'withdraw') return await this.withdraw(command, lease, work)
      return await this.follow(command, lease, work, command.unansweredSince !== null)
    } catch (error) {
      if (lease.stopped.aborted || !(error instanceof RollcallError)) throw error
      const ending = ENDING_BY_CODE[error.code] ?? (await this.giveUp(command.id))
      if (!ending) throw error
      return { do: 'end', ending }
    }
  }

  private async giveUp(id: string): Promise<Ending | null> {
    const current = await this.commands.find(id)
    return current && giveUp(current, this.clock.now())
  }

  /** Starts it and asks for its first output in one request: most commands have ended by the answer to that. */
  private async start(command: LeasedCommand, lease: CommandLease, work: AgentWork): Promise<DriveOutcome> {
    let first: LogAnswer | RollcallError
    try {
      const start = await work.start()
      // Not from the beginning where a server that died had stored some.
      const offset = lease.takenBytes
      const params = toLogParams(command.id, { offset, storedOffset: offset, waitMs: FIRST_WAIT_MS })
      const log = { method: 'get_command_log', params } as const
      ;[, first] = await this.agents.batch(command.hostId, [start, log], {
        signal: lease.stopped,
        firstMustSucceed: true,
      })
    } catch (error) {
      if (!command.isFirstAttempt || !hasDoneNothing(error)) throw error
      if (error.kind !== 'rejected') return { do: 'retry', error, notStarted: true }
      return { do: 'end', ending: { state: 'failed', reasonCode: error.code, reason: error.message } }
    }
    // An error of the second call is met again by the next question.
    return this.follow(command, lease, work, true, first instanceof RollcallError ? undefined : first)
  }

  /** Takes back a command that may not have started, so that it never will; one that has started is followed. */
  private async withdraw(
    command: LeasedCommand,
    lease: CommandLease,
    work: AgentWork,
  ): Promise<DriveOutcome> {
    const params = { command_id: command.id }
    const { withdrawn } = await this.agents.call(command.hostId, 'withdraw_command', params, {
      signal: lease.stopped,
    })
    if (!withdrawn) return this.follow(command, lease, work, true)
    return { do: 'end', ending: endingOfUnstarted(command), isSpooled: true }
  }

  private async follow(
    command: LeasedCommand,
    lease: CommandLease,
    work: AgentWork,
    isNews: boolean,
    known?: LogAnswer,
  ): Promise<DriveOutcome> {
    const follower = new AgentCommandFollower(command, lease, this.agents, this.clock)
    const ending = await follower.untilEnded(isNews, known)
    return { do: 'end', ending: work.end ? await work.end(ending) : ending, isSpooled: true }
  }
}

/** Tells whether the command has certainly not started. */
function hasDoneNothing(error: unknown): error is RollcallError {
  return error instanceof RollcallError && error.outcome === 'not-applied'
}

function toParams(command: LeasedCommand) {
  const { program, args, env, cwd, tty, columns, rows, stdin } = command
  return {
    command_id: command.id,
    command: program,
    args,
    env,
    cwd,
    timeout: command.timeoutMs / 1000,
    tty,
    columns,
    rows,
    stdin,
  }
}
