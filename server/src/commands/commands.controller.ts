import { Controller } from '@nestjs/common'
import { Actor, GuardedHostIfNamed, type NamedHost, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { toCommandView } from './command.view.ts'
import { CommandsService } from './commands.service.ts'
import { OutputReader } from './output/output-reader.ts'
import { TerminalAccess } from './terminal-access.ts'

@Controller()
export class CommandsController {
  constructor(
    private readonly commands: CommandsService,
    private readonly outputs: OutputReader,
    private readonly terminals: TerminalAccess,
  ) {}

  @Endpoint('listCommands')
  async list(
    @GuardedHostIfNamed() host: NamedHost | undefined,
    @Input() { query }: InputOf<'listCommands'>,
    @Actor() { scope }: Principal,
  ) {
    const commands = await this.commands.list({ ...query, hostId: host?.id }, scope)
    return { commands: commands.map(toCommandView) }
  }

  @Endpoint('showCommand')
  async show(@Input() { params }: InputOf<'showCommand'>) {
    return { command: toCommandView(await this.commands.show(params.id)) }
  }

  @Endpoint('readOutput')
  readOutput(@Input() { params, query }: InputOf<'readOutput'>) {
    return this.outputs.read(params.id, query)
  }

  @Endpoint('cancelCommand')
  async cancel(@Input() { params }: InputOf<'cancelCommand'>) {
    return { command: toCommandView(await this.commands.cancel(params.id)) }
  }

  @Endpoint('writeInput')
  async writeInput(@Input() { params, body }: InputOf<'writeInput'>, @Actor() actor: Principal) {
    await this.terminals.refuseOthers(params.id, actor)
    return { nextOffset: await this.commands.writeInput(params.id, body.offset, body.data, body.eof) }
  }

  @Endpoint('resizeTerminal')
  async resize(@Input() { params, body }: InputOf<'resizeTerminal'>, @Actor() actor: Principal) {
    await this.terminals.refuseOthers(params.id, actor)
    await this.commands.resize(params.id, body.columns, body.rows)
    return {}
  }
}
