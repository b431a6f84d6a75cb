import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { NewRun, RunLimits, RunView, SkippedHost, Target } from '@rollcall/contracts/admin'
import {
  type HostScope,
  isInScope,
  may,
  notFound,
  type Principal,
  type PrincipalRef,
  toRef,
} from '../access/index.ts'
import {
  type Command,
  type CommandSpec,
  CommandsRepository,
  CommandsService,
  CommandWorker,
  hashOf,
  newCommand,
} from '../commands/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'
import { nextAdmissions } from './domain/admissions.ts'
import type { NewCommandRun } from './domain/new-run.ts'
import type { Run } from './domain/run.ts'
import { select } from './domain/selection.ts'
import { toRunView } from './run.view.ts'
import { RunsRepository } from './runs.repository.ts'

type RunnableHost = { id: string; name: string }

/** A run that is requested: what is to run, and where. */
export interface RunOrder {
  runId: string
  /** Hash of the request, by which another request with the same id is noticed. */
  bodyHash: string
  requestedBy: string
  /** The person whose present rights count: the requester, or the owner of a schedule. */
  requester: PrincipalRef | null
  /** The kind of its commands. An `ssh_terminal` needs no agent. */
  kind?: 'command' | 'terminal' | 'ssh_terminal' | 'playbook'
  /** Hosts that the requester may act on. */
  scope: HostScope
  spec: CommandSpec
  target: Target
  limits: RunLimits | null
  savedCommand?: string | null
  schedule?: string | null
  /** Hosts that were left out before. */
  leftOut?: SkippedHost[]
}

/** The requester of a run. */
export type Caller = Pick<Principal, 'kind' | 'id' | 'scope'>

export interface AcceptedRun {
  runId: string
  commands: Command[]
  skipped: SkippedHost[]
}

@Injectable()
export class RunsService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly commandsRepository: CommandsRepository,
    private readonly commands: CommandsService,
    private readonly worker: CommandWorker,
    private readonly hosts: HostsRepository,
    private readonly clock: Clock,
  ) {}

  /** Accepts a run: when this returns, every command of it is committed. Sent again with the same id, it finds the first. */
  async run(
    request: NewRun,
    actor: Principal,
    keptEnvironment: Readonly<Record<string, string>> = {},
  ): Promise<AcceptedRun> {
    const { name: requestedBy, scope } = actor
    if (request.tty && !may(actor, 'terminals:open'))
      throw new RollcallError(
        'request.forbidden',
        `To run something on a terminal needs the permission terminals:open, which ${actor.name} does not have.`,
        { fields: [{ field: 'tty', message: 'needs the permission terminals:open' }] },
      )
    const runId = request.runId ?? randomUUID()
    const { hosts, labels, all, limits, runId: _runId, envOf: _envOf, ...rest } = request
    const spec = { ...rest, env: { ...keptEnvironment, ...rest.env } }
    return this.accept(runId, hashOf({ ...request, runId }), actor, async () => ({
      requestedBy,
      requester: toRef(actor),
      scope,
      spec,
      target: { hosts, labels, all },
      limits: limits ?? null,
    }))
  }

  /** Accepts a run as `run` does. `makeOrder` is called only for a run id that is not known yet, whose run is stored with what `also` stores. */
  async accept(
    runId: string,
    bodyHash: string,
    actor: Caller,
    makeOrder: () => Promise<Omit<RunOrder, 'runId' | 'bodyHash'>>,
    also?: (transaction: Transaction, run: NewCommandRun) => Promise<void>,
  ): Promise<AcceptedRun> {
    const known = await this.runs.find(runId)
    if (known) return this.knownRun(known, bodyHash, actor)
    const run = await this.prepare({ ...(await makeOrder()), runId, bodyHash })
    try {
      await this.runs.insert(run, also && ((transaction) => also(transaction, run)))
    } catch (error) {
      // The same request twice at the same time: the other one was faster.
      const first = await this.runs.find(runId)
      if (first) return this.knownRun(first, bodyHash, actor)
      throw error
    }
    this.announce(run)
    return { runId, commands: run.commands, skipped: run.skipped ?? [] }
  }

  /** Makes a run, yet to be stored: selects its hosts, and which of them begin. */
  async prepare(order: RunOrder): Promise<NewCommandRun> {
    const { runId, bodyHash, requestedBy, requester, spec, target, limits, kind = 'command' } = order
    const { chosen, skipped } = await this.choose(target, order.scope, kind !== 'ssh_terminal')
    const createdAt = this.clock.now()
    const isLimited = limits !== null && Object.values(limits).some((limit) => limit !== undefined)
    const toCommand = (host: RunnableHost, place: number) =>
      newCommand(
        kind,
        host,
        spec,
        { runId, requestedBy, createdAt },
        {
          position: isLimited ? place : null,
          admittedAt: isLimited ? null : createdAt,
        },
      )
    const [first, ...others] = chosen
    const commands: NewCommandRun['commands'] = [
      toCommand(first, 0),
      ...others.map((host, i) => toCommand(host, i + 1)),
    ]
    if (isLimited) {
      const held = commands.map(({ id, position }) => ({ id, position: position ?? 0 }))
      const view = { limits, total: held.length, held, active: [], failed: 0 }
      const admitted = new Set(nextAdmissions(view).admit)
      for (const command of commands) if (admitted.has(command.id)) command.admittedAt = createdAt
    }
    return {
      id: runId,
      bodyHash,
      requestedBy,
      requester,
      createdAt,
      kind,
      commands,
      skipped: [...skipped, ...(order.leftOut ?? [])],
      target: target.hosts ? null : { labels: target.labels, all: target.all },
      limits: isLimited ? limits : null,
      isAdmitting: commands.some(({ admittedAt }) => admittedAt === null),
      savedCommand: order.savedCommand ?? null,
      schedule: order.schedule ?? null,
    }
  }

  /** Announces the commands of a stored run whose turn it is. */
  announce({ commands }: NewCommandRun): void {
    for (const { id, admittedAt } of commands) if (admittedAt) this.worker.announce(id)
  }

  /** Shows a run, of what was left out the hosts in `scope` alone. Throws `run.not_found`. */
  async show(id: string, scope: HostScope): Promise<RunView> {
    const shown = await this.runs.findWithProgress(id)
    if (!shown) throw notFound('run', id)
    const [view] = await this.seen([toRunView(shown.run, shown.progress)], scope)
    return view as RunView
  }

  /** Returns runs of which every host is in `scope`, newest first. */
  async list(scope: HostScope, limit: number, before: string | undefined): Promise<RunView[]> {
    const shown = await this.runs.list(scope, limit, before === undefined ? null : await this.find(before))
    return this.seen(
      shown.map(({ run, progress }) => toRunView(run, progress)),
      scope,
    )
  }

  /** Requests that every command of a run end; those that are held or were never tried end at once. */
  async cancel(id: string, scope: HostScope): Promise<RunView> {
    await this.find(id)
    this.commands.announceCancelled(id, await this.runs.requestCancel(id, this.clock.now()))
    return this.show(id, scope)
  }

  /** Removes from runs the skipped hosts that are outside of `scope`. */
  private async seen(views: RunView[], scope: HostScope): Promise<RunView[]> {
    if (scope === null || views.every(({ skipped }) => skipped.length === 0)) return views
    const isVisible = await this.visibleNames(scope)
    return views.map((view) => ({ ...view, skipped: view.skipped.filter(isVisible) }))
  }

  private async visibleNames(scope: HostScope): Promise<(skipped: SkippedHost) => boolean> {
    const hosts = await this.hosts.listForSelection()
    const names = new Set(hosts.filter(({ labels }) => isInScope(scope, labels)).map(({ name }) => name))
    return ({ host }) => names.has(host)
  }

  /** Throws `run.not_found`. */
  async find(id: string): Promise<Run> {
    const run = await this.runs.find(id)
    if (run) return run
    throw notFound('run', id)
  }

  /** Answers a request that its requester sends again. Throws `command.id_conflict` to others, and where the run reaches beyond their scope by now. */
  private async knownRun(first: Run, bodyHash: string, { kind, id, scope }: Caller): Promise<AcceptedRun> {
    const { id: runId, skipped, total, requesterKind, requesterId } = first
    const isSameCaller = requesterId === null || (requesterKind === kind && requesterId === id)
    const commands =
      first.bodyHash === bodyHash && isSameCaller
        ? await this.commandsRepository.list(scope, { runId, limit: total })
        : []
    if (commands.length < total)
      throw new RollcallError(
        'command.id_conflict',
        `The run ${runId} was asked for before with another body. Choose another runId for another request.`,
        { fields: [{ field: 'runId', message: 'is taken by another request' }] },
      )
    return { runId, skipped: skipped.filter(await this.visibleNames(scope)), commands }
  }

  /** Selects the hosts of a target within `scope`, and those that fit and cannot be used. Throws `host.*`. */
  async choose(
    target: Target,
    scope: HostScope,
    needsAgent = true,
  ): Promise<{ chosen: [RunnableHost, ...RunnableHost[]]; skipped: SkippedHost[] }> {
    if (target.hosts) return { chosen: await this.named(target.hosts, scope, needsAgent), skipped: [] }
    const hosts = await this.hosts.listForSelection()
    return select(
      hosts.filter(({ labels }) => isInScope(scope, labels)),
      target,
    )
  }

  /** Returns every host that is named, each once. Throws with all that are wrong at once. */
  private async named(
    names: readonly string[],
    scope: HostScope,
    needsAgent: boolean,
  ): Promise<[RunnableHost, ...RunnableHost[]]> {
    const found = await this.hosts.findByReference(names)
    const exists = (name: string) => {
      const host = found.get(name)
      return host !== undefined && isInScope(scope, host.labels)
    }
    const unknown = names.filter((name) => !exists(name))
    if (unknown.length > 0) {
      const list = unknown.slice(0, 20).join(', ')
      throw new RollcallError(
        'host.not_found',
        `There is no host named: ${list}. List them: rollcall host list`,
        { fields: [{ field: 'hosts', message: `unknown: ${list}` }] },
      )
    }
    const hosts = [...new Map([...found.values()].map((host) => [host.id, host])).values()]
    const notInstalled = hosts.filter((host) => needsAgent && !host.isInstalled).map((host) => host.name)
    if (notInstalled.length > 0)
      throw new RollcallError(
        'host.not_installed',
        `No agent is installed yet on: ${notInstalled.join(', ')}. Wait for the installation, or repeat it with "rollcall host install NAME".`,
        { fields: [{ field: 'hosts', message: `not installed: ${notInstalled.join(', ')}` }] },
      )
    const [first, ...others]: RunnableHost[] = hosts
    // Names were given, each of them was found, and so there is one at least.
    if (!first) throw new RollcallError('server.defect', 'a run for no host passed validation')
    return [first, ...others]
  }
}
