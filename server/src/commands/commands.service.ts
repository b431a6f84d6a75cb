import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostScope, notFound } from '../access/index.ts'
import { AgentsService } from '../agents/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { CommandEvents, toChange } from './command-events.ts'
import { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import { CommandWorker } from './command-worker.ts'
import { CommandsRepository } from './commands.repository.ts'
import type { Command, CommandFilter } from './domain/command.ts'
import { TerminalInputRepository } from './terminal-input.repository.ts'

@Injectable()
export class CommandsService {
  constructor(
    private readonly commands: CommandsRepository,
    private readonly lifecycle: CommandLifecycleRepository,
    private readonly terminalInput: TerminalInputRepository,
    private readonly worker: CommandWorker,
    private readonly agents: AgentsService,
    private readonly events: CommandEvents,
    private readonly clock: Clock,
  ) {}

  async show(id: string): Promise<Command> {
    const command = await this.commands.find(id)
    if (!command) throw notFound('command', id)
    return command
  }

  async list(
    filter: Omit<CommandFilter, 'before'> & { before?: string | undefined },
    scope: HostScope,
  ): Promise<Command[]> {
    const { before, ...rest } = filter
    return this.commands.list(scope, {
      ...rest,
      before: before === undefined ? undefined : await this.show(before),
    })
  }

  /** Asks a command to end; one that has ended stays as it is. Throws `command.not_found`. */
  async cancel(id: string): Promise<Command> {
    const outcome = await this.lifecycle.requestCancel(id, this.clock.now())
    if (outcome === 'requested') this.worker.announceCancel(id)
    const command = await this.show(id)
    this.events.commandChanged(toChange(command, outcome === 'ended'))
    return command
  }

  /** Announces commands of a run that were asked to end, or have ended by that. */
  announceCancelled(runId: string, commands: readonly { id: string; hasEnded: boolean }[]): void {
    for (const { id, hasEnded } of commands) {
      if (!hasEnded) this.worker.announceCancel(id)
      // None is held any more, so that no turn comes of these.
      this.events.commandChanged({ id, runId, hasEnded, isLimited: false })
    }
  }

  /** Writes to a running command's input; returns the offset after it. Safe to repeat. */
  async writeInput(id: string, offset: number, data: string, eof: boolean): Promise<number> {
    const command = await this.running(id)
    if (!command.stdin && !command.tty)
      throw new RollcallError(
        'command.no_input',
        'This command was started without standard input. Run it with stdin or tty.',
      )
    if (command.kind === 'ssh_terminal')
      return this.terminalInput.add(id, offset, Buffer.from(data, 'base64'))
    await this.agents.call(command.hostId, 'write_input', { command_id: id, offset, data, eof })
    const nextOffset = offset + Buffer.from(data, 'base64').length
    await this.commands.noteInput(id, nextOffset)
    return nextOffset
  }

  async resize(id: string, columns: number, rows: number): Promise<void> {
    const command = await this.running(id)
    if (!command.tty)
      throw new RollcallError(
        'command.no_terminal',
        'This command was started without a terminal. Run it with tty.',
      )
    if (command.kind === 'ssh_terminal') return this.terminalInput.resize(id, columns, rows)
    await this.agents.call(command.hostId, 'resize_terminal', { command_id: id, columns, rows })
  }

  private async running(id: string): Promise<Command> {
    const command = await this.show(id)
    if (!isProgram(command) || command.state !== 'running')
      throw new RollcallError(
        'command.not_running',
        `The command is ${command.state}; only a running one takes input.`,
      )
    return command
  }
}

const PROGRAMS: readonly Command['kind'][] = ['command', 'terminal', 'ssh_terminal', 'instance']

const isProgram = ({ kind }: Command) => PROGRAMS.includes(kind)
