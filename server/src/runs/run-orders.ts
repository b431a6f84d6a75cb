import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { MAX_HOSTS_PER_RUN, type NewRun, type RunOrderView } from '@rollcall/contracts/admin'
import { notFound, type Principal, ScopeRepository, WHOLE_FLEET } from '../access/index.ts'
import { CommandsRepository } from '../commands/index.ts'
import { type EarlierRun, orderOf, whyNotKept } from './domain/run-order.ts'
import { RunsRepository } from './runs.repository.ts'

/** Requests of earlier runs, and their environment where a new run may take it over unseen. */
@Injectable()
export class RunOrders {
  constructor(
    private readonly runs: RunsRepository,
    private readonly commands: CommandsRepository,
    private readonly scopes: ScopeRepository,
  ) {}

  /** Shows the request of a run. Throws `run.not_found`. */
  async show(id: string): Promise<RunOrderView> {
    return orderOf(await this.find(id))
  }

  /** Returns the environment that a request takes over from an earlier run. Throws `run.not_found`, or `request.invalid` where it is not the same request. */
  async keptEnvironment(request: NewRun, { scope }: Principal): Promise<Record<string, string>> {
    const { envOf } = request
    if (envOf === undefined) return {}
    if (!(await this.scopes.exists('run', scope, envOf))) throw notFound('run', envOf)
    const earlier = await this.find(envOf)
    const fault = whyNotKept(request, earlier)
    if (fault !== null)
      throw new RollcallError('request.invalid', `The environment of the run ${envOf} ${fault}.`, {
        fields: [{ field: 'envOf', message: fault }],
      })
    return earlier.command.env
  }

  private async find(id: string): Promise<EarlierRun> {
    const run = await this.runs.find(id)
    if (!run) throw notFound('run', id)
    const [[command], hostNames] = await Promise.all([
      this.commands.list(WHOLE_FLEET, { runId: id, limit: 1 }),
      this.runs.hostNames(id, MAX_HOSTS_PER_RUN),
    ])
    if (!command) throw notFound('run', id)
    return { target: run.target, limits: run.limits, hostNames, command }
  }
}
