import { randomBytes, randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { NewPlaybookRun, PlaybookRunView, RunLimits, Target } from '@rollcall/contracts/admin'
import { type HostScope, type Principal, toRef } from '../access/index.ts'
import { CommandsService, hashOf, WITHOUT_TERMINAL } from '../commands/index.ts'
import { type AcceptedRun, RunsService } from '../runs/index.ts'
import { Catalogue } from './catalogue.ts'
import { withGivenDefaults } from './domain/argument-specs.ts'
import type { StoredOutcome } from './domain/playbook-events.ts'
import type { PlaybookRequest } from './domain/playbook-request.ts'
import { namesOf, withTemplates } from './domain/templates.ts'
import { validateVariables } from './domain/validate-variables.ts'
import { PlaybookHandler } from './playbook.handler.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'

const SPEC = { ...WITHOUT_TERMINAL, env: {}, cwd: '/', startWithinMs: 600_000 }

interface Request {
  runId: string
  bodyHash: string
  actor: Principal
  order: PlaybookRequest
  target: Target
  limits: RunLimits | null
  timeoutMs: number
  /** The digests of the plan that is applied, by the host's id; null where none is applied. */
  digests: Map<string, string> | null
}

@Injectable()
export class PlaybooksService {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly playbooks: PlaybooksRepository,
    private readonly handler: PlaybookHandler,
    private readonly runs: RunsService,
    private readonly commands: CommandsService,
  ) {}

  /**
   * Accepts a run of a playbook or a plan; sent again with the same id, it finds the first. Throws `playbook.not_found`,
   * `request.invalid` with every wrong variable, and what `RunsService.prepare` throws: before any host is touched.
   */
  async run(name: string, request: NewPlaybookRun, actor: Principal): Promise<AcceptedRun> {
    const { variables: specs, version } = await this.catalogue.find(name, actor.scope)
    const faults = validateVariables(specs, request.variables)
    if (faults.length > 0)
      throw new RollcallError(
        'request.invalid',
        `Nothing was begun: ${faults.map(({ field, message }) => `${field.replace('variables.', '')} ${message}`).join('; ')}.`,
        { fields: faults },
      )
    const runId = request.runId ?? randomUUID()
    const { hosts, labels, all, limits, mode, via, diff, timeoutMs } = request
    const variables = withGivenDefaults(specs, request.variables)
    return this.accept({
      runId,
      actor,
      timeoutMs,
      digests: null,
      limits: limits ?? null,
      bodyHash: hashOf({ name, ...request, runId }),
      order: {
        playbook: name,
        version,
        mode,
        requestedTransport: via,
        isDiff: diff,
        planId: null,
        variables: withTemplates(specs, variables, request.variables),
      },
      target: { hosts, labels, all },
    })
  }

  /** Throws `run.not_found`, or `playbook.not_a_plan` for what cannot be applied. */
  async apply(
    planId: string,
    request: { runId?: string | undefined; limits?: RunLimits | undefined },
    actor: Principal,
  ): Promise<AcceptedRun> {
    const [{ run }, order] = await Promise.all([this.show(planId, actor.scope), this.order(planId)])
    if (order.mode !== 'plan')
      throw notAPlan('This run is no plan. Make one with "rollcall playbook plan" and apply that.')
    if (run.endedAt === null) throw notAPlan('The plan is still being made. Wait until it has ended.')
    // The rights of the user who applies the plan count, not those of the one who made it.
    if (actor.scope !== null && order.version !== null) await this.catalogue.find(order.playbook, actor.scope)
    const planned = await this.playbooks.planned(planId)
    if (planned.length === 0)
      throw notAPlan('The plan succeeded on no host. See what failed, and plan it again.')
    const runId = request.runId ?? randomUUID()
    return this.accept({
      runId,
      actor,
      timeoutMs: run.timeoutMs,
      limits: request.limits ?? null,
      bodyHash: hashOf({ planId, ...request, runId }),
      order: { ...order, mode: 'apply', planId },
      target: { hosts: planned.map(({ hostId }) => hostId) },
      digests: new Map(planned.map(({ hostId, digest }) => [hostId, digest])),
    })
  }

  /** Throws `run.not_found`, for a run of something else too. */
  async show(runId: string, scope: HostScope): Promise<PlaybookRunView> {
    const order = await this.order(runId)
    // The hosts after the run: one that is seen to have ended is seen with all its hosts' ends.
    const run = await this.runs.show(runId, scope)
    const hosts = await this.playbooks.hosts(runId)
    const { playbook, version, mode, requestedTransport: via, planId, variables } = order
    return { run, playbook, version, mode, via, planId, variables: namesOf(variables), hosts }
  }

  /** Throws `playbook.not_found` for a command that is no playbook. */
  async tasks(commandId: string): Promise<StoredOutcome> {
    const { runId } = await this.commands.show(commandId)
    const work = await this.playbooks.work(commandId, runId)
    if (!work) throw new RollcallError('playbook.not_found', `The command ${commandId} is no playbook.`)
    const stored = await this.playbooks.outcome(commandId)
    if (stored) return stored
    const { totals, tasks, omitted } = await this.handler.outcome(commandId, work)
    return { totals, tasks, omitted }
  }

  private async order(runId: string): Promise<PlaybookRequest> {
    const order = await this.playbooks.order(runId)
    if (order) return order
    throw new RollcallError('run.not_found', `There is no run of a playbook with the id ${runId}.`)
  }

  private async accept(request: Request): Promise<AcceptedRun> {
    const { runId, bodyHash, actor, order, target, limits, timeoutMs, digests } = request
    const spec = { ...SPEC, program: 'ansible-playbook', args: [`${order.playbook}.yml`], timeoutMs }
    const makeOrder = async () => ({
      requestedBy: actor.name,
      requester: toRef(actor),
      scope: actor.scope,
      spec,
      target,
      limits,
      kind: 'playbook' as const,
    })
    return this.runs.accept(runId, bodyHash, actor, makeOrder, (transaction, { commands }) => {
      const each = commands.map(({ id, hostId }) => ({
        commandId: id,
        nonce: randomBytes(24).toString('base64url'),
        expectedDigest: digests?.get(hostId) ?? null,
      }))
      return this.playbooks.insert(transaction, runId, order, each)
    })
  }
}

const notAPlan = (message: string) => new RollcallError('playbook.not_a_plan', message)
