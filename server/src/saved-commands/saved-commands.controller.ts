import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { toCommandView } from '../commands/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { toSavedCommandView } from './saved-command.view.ts'
import { SavedCommandsService } from './saved-commands.service.ts'

@Controller()
export class SavedCommandsController {
  constructor(private readonly saved: SavedCommandsService) {}

  @Endpoint('listSavedCommands')
  async list(@Actor() { scope }: Principal) {
    return { savedCommands: (await this.saved.list(scope)).map(toSavedCommandView) }
  }

  @Endpoint('addSavedCommand')
  async add(@Input() { body }: InputOf<'addSavedCommand'>, @Actor() actor: Principal) {
    return { savedCommand: toSavedCommandView(await this.saved.add(body, actor)) }
  }

  @Endpoint('showSavedCommand')
  async show(@Input() { params }: InputOf<'showSavedCommand'>, @Actor() { scope }: Principal) {
    return { savedCommand: toSavedCommandView(await this.saved.show(params.name, scope)) }
  }

  @Endpoint('changeSavedCommand')
  async change(@Input() { params, body }: InputOf<'changeSavedCommand'>, @Actor() actor: Principal) {
    return { savedCommand: toSavedCommandView(await this.saved.change(params.name, body, actor)) }
  }

  @Endpoint('removeSavedCommand')
  async remove(@Input() { params }: InputOf<'removeSavedCommand'>) {
    await this.saved.remove(params.name)
    return {}
  }

  @Endpoint('runSavedCommand')
  async run(@Input() { params, body }: InputOf<'runSavedCommand'>, @Actor() actor: Principal) {
    const { commands, ...accepted } = await this.saved.run(params.name, body, actor)
    return { ...accepted, commands: commands.map(toCommandView) }
  }
}
