import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { TerminalWriters } from '@rollcall/contracts/admin'
import { may, type Principal } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { CommandsService } from './commands.service.ts'
import { TerminalWritersRepository } from './terminal-writers.repository.ts'

/** Decides who may type into a terminal: its opener and those who joined it, while they have the permission to open one. */
@Injectable()
export class TerminalAccess {
  constructor(
    private readonly commands: CommandsService,
    private readonly writers: TerminalWritersRepository,
    private readonly clock: Clock,
  ) {}

  /** Throws `request.forbidden` or `terminal.not_joined`. A command without a terminal takes input from everybody who may run it. */
  async refuseOthers(id: string, actor: Principal): Promise<void> {
    if (!(await this.commands.show(id)).tty) return
    if (!may(actor, 'terminals:open'))
      throw new RollcallError(
        'request.forbidden',
        `To type into a terminal needs the permission terminals:open, which ${actor.name} does not have. Ask an admin.`,
      )
    if (!(await this.writers.isWriter(id, actor)))
      throw new RollcallError(
        'terminal.not_joined',
        'Somebody else opened this terminal. Join it first: the audit log records it, and its opener sees it.',
      )
  }

  /** Lets `actor` type as well. Safe to repeat. Throws `command.no_terminal`. */
  async join(id: string, actor: Principal): Promise<TerminalWriters> {
    await this.refuseProgram(id)
    if (!(await this.writers.isWriter(id, actor)))
      await this.writers.add(id, actor, actor.name, this.clock.now())
    return this.list(id, actor)
  }

  /** Throws `command.no_terminal`. */
  async list(id: string, actor: Principal): Promise<TerminalWriters> {
    await this.refuseProgram(id)
    return { writers: await this.writers.list(id), mayWrite: await this.writers.isWriter(id, actor) }
  }

  private async refuseProgram(id: string): Promise<void> {
    if ((await this.commands.show(id)).tty) return
    throw new RollcallError('command.no_terminal', 'This command was started without a terminal.')
  }
}
