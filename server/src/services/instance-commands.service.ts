import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { NewInstanceExec, NewInstanceLogs, NewServiceLogs } from '@rollcall/contracts/admin'
import { may, type Principal, toRef } from '../access/index.ts'
import {
  type Command,
  type CommandSpec,
  CommandsRepository,
  CommandWorker,
  stepIdOf,
  WITHOUT_TERMINAL,
} from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { type NewCommandRun, type Run, RunsRepository } from '../runs/index.ts'
import type { InstanceRecord } from './domain/instance.ts'
import { toContainers, toServiceName } from './domain/service.ts'
import type { VisibleService } from './domain/visible-service.ts'
import { LogReadingsRepository } from './log-readings.repository.ts'
import { RevisionsRepository } from './revisions.repository.ts'
import { ServiceAccess } from './service-access.ts'
import { PROGRAM, toInstanceRun } from './step-run.ts'

const DAY_MS = 86_400_000
const READ_TIMEOUT_MS = 60_000
/** How long a log is followed for somebody who may not cancel commands, so that what nobody looks at any more ends. */
const WATCH_TIMEOUT_MS = 15 * 60_000
const START_WITHIN_MS = 60_000
/** Instances whose logs are read at once. */
const MAX_LOGS = 100
/** Logs on one host that somebody reads at once. */
const MAX_OPEN_READINGS = 20
const LOGS = 'logs'

/** Reads logs of instances and runs programs in them: as commands, whose output goes the way of any command's. */
@Injectable()
export class InstanceCommands {
  constructor(
    private readonly access: ServiceAccess,
    private readonly revisions: RevisionsRepository,
    private readonly runs: RunsRepository,
    private readonly commands: CommandsRepository,
    private readonly readings: LogReadingsRepository,
    private readonly worker: CommandWorker,
    private readonly clock: Clock,
  ) {}

  /** Begins to read the log of an instance. Throws `service.not_found`, `instance.*`. */
  async logs(reference: string, slot: number, request: NewInstanceLogs, actor: Principal): Promise<Command> {
    const { instance } = await this.access.findInstance(reference, slot, actor)
    if (request.container !== undefined) await this.requireContainer(instance, request.container)
    return this.run(
      request.commandId ?? randomUUID(),
      instance,
      toLogsSpec(instance.id, request, actor),
      actor,
    )
  }

  /** Begins to read the logs of all instances of a service that are on hosts. Throws `service.not_found`, `instance.*`. */
  async serviceLogs(reference: string, request: NewServiceLogs, actor: Principal): Promise<Command[]> {
    const found = await this.access.find(reference, actor)
    const requestId = request.requestId ?? randomUUID()
    const commands: Command[] = []
    for (const instance of readable(found, request.slots).slice(0, MAX_LOGS))
      commands.push(
        await this.run(
          stepIdOf(requestId, instance.id),
          instance,
          toLogsSpec(instance.id, request, actor),
          actor,
        ),
      )
    return commands
  }

  /** Begins to run a program in a container of an instance. Throws `service.not_found`, `instance.*`. */
  async exec(reference: string, slot: number, request: NewInstanceExec, actor: Principal): Promise<Command> {
    const { instance } = await this.access.findInstance(reference, slot, actor)
    const container = await this.requireContainer(instance, request.container)
    const { argv, tty, columns, rows, stdin } = request
    const spec = {
      ...toSpec(['exec', instance.id, container, '--', ...argv], DAY_MS),
      tty,
      columns,
      rows,
      stdin: stdin || tty,
    }
    return this.run(request.commandId ?? randomUUID(), instance, spec, actor)
  }

  /** Returns the container of that name, or the first that is no job. Throws `instance.no_container`. */
  private async requireContainer(instance: InstanceRecord, name: string | undefined): Promise<string> {
    const revision = (await this.revisions.open([instance.revisionId])).get(instance.revisionId)
    const containers = revision ? toContainers(revision.definition.group) : []
    const found = containers.find((one) => (name === undefined ? !one.isJob : one.name === name))
    if (found) return found.name
    const names = containers.map((one) => one.name).join(', ') || 'none'
    throw new RollcallError(
      'instance.no_container',
      `The instance has no container ${name ?? 'that goes on running'}. Its containers: ${names}.`,
    )
  }

  /** Stores the command, or finds the one that the same request has stored before. Throws `instance.not_on_host`, `command.id_conflict`. */
  private async run(
    id: string,
    { hostId, hostName }: InstanceRecord,
    spec: CommandSpec,
    actor: Principal,
  ): Promise<Command> {
    if (hostId === null)
      throw new RollcallError(
        'instance.not_on_host',
        'The instance is on no host: nothing can be read or run there.',
      )
    const createdAt = this.clock.now()
    const host = { id: hostId, name: hostName ?? '' }
    const run = toInstanceRun({ id, requestedBy: actor.name, requester: toRef(actor), createdAt }, host, spec)
    const [command] = run.commands
    const known = await this.runs.find(id)
    if (known) return this.findSame(known, run)
    if (spec.args[0] === LOGS) await this.refuseTooMany(host, actor)
    try {
      await this.runs.insert(run)
    } catch (error) {
      // The same request twice at the same time: the other one was faster.
      const first = await this.runs.find(id)
      if (first) return this.findSame(first, run)
      throw error
    }
    this.worker.announce(command.id)
    return command
  }

  /** Finds the command of a request that is sent again. Throws `command.id_conflict` to others, and for another request. */
  private async findSame(known: Run, { id, bodyHash, requester, commands }: NewCommandRun): Promise<Command> {
    const isSameCaller = known.requesterKind === requester?.kind && known.requesterId === requester?.id
    if (known.bodyHash !== bodyHash || !isSameCaller)
      throw new RollcallError(
        'command.id_conflict',
        `The id ${id} is that of another request. Choose a new one.`,
      )
    const [command] = commands
    return (await this.commands.find(command.id)) ?? command
  }

  /** Bounds the programs that somebody who may only read has on a host. Throws `instance.too_many_logs`. */
  private async refuseTooMany(host: { id: string; name: string }, by: Principal): Promise<void> {
    if ((await this.readings.countOpen(host.id, by)) < MAX_OPEN_READINGS) return
    throw new RollcallError(
      'instance.too_many_logs',
      `${by.name} reads ${MAX_OPEN_READINGS} logs on ${host.name} already. Wait for one to end, or cancel one: rollcall command list --host ${host.name}`,
    )
  }
}

const toSpec = (args: string[], timeoutMs: number): CommandSpec => ({
  program: PROGRAM,
  args,
  env: {},
  cwd: '/',
  timeoutMs,
  startWithinMs: START_WITHIN_MS,
  ...WITHOUT_TERMINAL,
})

function toLogsSpec(
  id: string,
  { container, lines, since, follow }: Pick<NewInstanceLogs, 'container' | 'lines' | 'since' | 'follow'>,
  actor: Principal,
): CommandSpec {
  const args = [
    LOGS,
    id,
    ...(container === undefined ? [] : [container]),
    '--lines',
    `${lines}`,
    ...(since === undefined ? [] : ['--since', since]),
    ...(follow ? ['--follow'] : []),
  ]
  if (!follow) return toSpec(args, READ_TIMEOUT_MS)
  return toSpec(args, may(actor, 'commands:run') ? DAY_MS : WATCH_TIMEOUT_MS)
}

/** Returns the instances whose logs can be read: of these slots, or of all. Throws `instance.not_found`. */
function readable({ service, instances }: VisibleService, slots: readonly number[] | undefined) {
  const onHosts = instances.filter(({ isVisible, hostId }) => isVisible && hostId !== null)
  const wanted = onHosts.filter(({ slot }) => slots === undefined || slots.includes(slot))
  if (wanted.length > 0) return wanted
  throw new RollcallError(
    'instance.not_found',
    `${toServiceName(service.project, service.name)} has no such instance on a host.`,
  )
}
