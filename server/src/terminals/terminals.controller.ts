import { Controller } from '@nestjs/common'
import { Actor, GuardedHost, type NamedHost, type Principal } from '../access/index.ts'
import { TerminalAccess, toCommandView } from '../commands/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { TerminalsService } from './terminals.service.ts'

@Controller()
export class TerminalsController {
  constructor(
    private readonly terminals: TerminalsService,
    private readonly writers: TerminalAccess,
  ) {}

  @Endpoint('openTerminal')
  async open(
    @GuardedHost() { id }: NamedHost,
    @Input() { body }: InputOf<'openTerminal'>,
    @Actor() actor: Principal,
  ) {
    return { command: toCommandView(await this.terminals.open(id, body, actor)) }
  }

  @Endpoint('listTerminalWriters')
  list(@Input() { params }: InputOf<'listTerminalWriters'>, @Actor() actor: Principal) {
    return this.writers.list(params.id, actor)
  }

  @Endpoint('joinTerminal')
  join(@Input() { params }: InputOf<'joinTerminal'>, @Actor() actor: Principal) {
    return this.writers.join(params.id, actor)
  }
}
