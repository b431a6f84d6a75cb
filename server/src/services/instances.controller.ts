import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { toCommandView } from '../commands/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { InstanceCommands } from './instance-commands.service.ts'
import { OperationsService } from './operations.service.ts'

@Controller()
export class InstancesController {
  constructor(
    private readonly operations: OperationsService,
    private readonly commands: InstanceCommands,
  ) {}

  @Endpoint('operateService')
  operate(@Input() { params, body }: InputOf<'operateService'>, @Actor() actor: Principal) {
    return this.operations.operate(params.service, body, actor)
  }

  @Endpoint('readInstanceLogs')
  async logs(@Input() { params, body }: InputOf<'readInstanceLogs'>, @Actor() actor: Principal) {
    const command = await this.commands.logs(params.service, params.slot, body, actor)
    return { command: toCommandView(command) }
  }

  @Endpoint('readServiceLogs')
  async serviceLogs(@Input() { params, body }: InputOf<'readServiceLogs'>, @Actor() actor: Principal) {
    const commands = await this.commands.serviceLogs(params.service, body, actor)
    return { commands: commands.map(toCommandView) }
  }

  @Endpoint('execInInstance')
  async exec(@Input() { params, body }: InputOf<'execInInstance'>, @Actor() actor: Principal) {
    const command = await this.commands.exec(params.service, params.slot, body, actor)
    return { command: toCommandView(command) }
  }
}
