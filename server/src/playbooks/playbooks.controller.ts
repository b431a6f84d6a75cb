import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { toCommandView } from '../commands/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import type { AcceptedRun } from '../runs/index.ts'
import { Catalogue } from './catalogue.ts'
import { PlaybooksService } from './playbooks.service.ts'

const accepted = ({ commands, ...run }: AcceptedRun) => ({ ...run, commands: commands.map(toCommandView) })

@Controller()
export class PlaybooksController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly playbooks: PlaybooksService,
  ) {}

  @Endpoint('listPlaybooks')
  async list(@Actor() { scope }: Principal) {
    return { playbooks: await this.catalogue.list(scope) }
  }

  @Endpoint('showPlaybook')
  async show(@Input() { params }: InputOf<'showPlaybook'>, @Actor() { scope }: Principal) {
    return { playbook: await this.catalogue.find(params.playbook, scope) }
  }

  @Endpoint('runPlaybook')
  async run(@Input() { params, body }: InputOf<'runPlaybook'>, @Actor() actor: Principal) {
    return accepted(await this.playbooks.run(params.playbook, body, actor))
  }

  @Endpoint('showPlaybookRun')
  showRun(@Input() { params }: InputOf<'showPlaybookRun'>, @Actor() { scope }: Principal) {
    return this.playbooks.show(params.id, scope)
  }

  @Endpoint('applyPlan')
  async apply(@Input() { params, body }: InputOf<'applyPlan'>, @Actor() actor: Principal) {
    return accepted(await this.playbooks.apply(params.id, body, actor))
  }

  @Endpoint('showPlaybookTasks')
  tasks(@Input() { params }: InputOf<'showPlaybookTasks'>) {
    return this.playbooks.tasks(params.id)
  }
}
