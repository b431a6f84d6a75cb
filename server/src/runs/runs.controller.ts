import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { toCommandView } from '../commands/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { toPreview } from './domain/selection.ts'
import { RunOrders } from './run-orders.ts'
import { RunSummaries } from './run-summaries.ts'
import { RunsService } from './runs.service.ts'

@Controller()
export class RunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly summaries: RunSummaries,
    private readonly orders: RunOrders,
  ) {}

  @Endpoint('run')
  async run(@Input() { body }: InputOf<'run'>, @Actor() actor: Principal) {
    const { commands, ...accepted } = await this.runs.run(
      body,
      actor,
      await this.orders.keptEnvironment(body, actor),
    )
    return { ...accepted, commands: commands.map(toCommandView) }
  }

  @Endpoint('previewTarget')
  async preview(@Input() { body }: InputOf<'previewTarget'>, @Actor() { scope }: Principal) {
    return toPreview(await this.runs.choose(body, scope))
  }

  @Endpoint('listRuns')
  async list(@Input() { query }: InputOf<'listRuns'>, @Actor() { scope }: Principal) {
    return { runs: await this.runs.list(scope, query.limit, query.before) }
  }

  @Endpoint('showRun')
  async show(@Input() { params }: InputOf<'showRun'>, @Actor() { scope }: Principal) {
    return { run: await this.runs.show(params.id, scope) }
  }

  @Endpoint('showRunOrder')
  async showOrder(@Input() { params }: InputOf<'showRunOrder'>) {
    return { order: await this.orders.show(params.id) }
  }

  @Endpoint('summarizeRun')
  summarize(@Input() { params }: InputOf<'summarizeRun'>, @Actor() { scope }: Principal) {
    return this.summaries.summarize(params.id, scope)
  }

  @Endpoint('cancelRun')
  async cancel(@Input() { params }: InputOf<'cancelRun'>, @Actor() { scope }: Principal) {
    return { run: await this.runs.cancel(params.id, scope) }
  }
}
