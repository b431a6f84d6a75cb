import { createHash, randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type CommandKind, type CommandOutput, isFinalState, type NewRun } from '@rollcall/contracts/admin'
import { AgentsService } from '../agents/index.ts'
import { type Host, HostsRepository } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { CommandEvents } from './command-events.ts'
import { CommandWorker } from './command-worker.ts'
import { type CommandFilter, CommandsRepository, type NewCommandRun } from './commands.repository.ts'
import type { Command, CommandSpec } from './domain/command.ts'
import { splitPiece } from './domain/output.ts'
import { commandIdOf } from './domain/run-ids.ts'
import { WorkRepository } from './work.repository.ts'

const PROVISIONING = {
  args: [],
  env: {},
  cwd: '/',
  timeoutMs: 30 * 60_000,
  startWithinMs: 30 * 60_000,
  tty: false,
  columns: 80,
  rows: 24,
  stdin: false,
} satisfies Omit<CommandSpec, 'program'>

@Injectable()
export class CommandsService {
  constructor(
    private readonly commands: CommandsRepository,
    private readonly work: WorkRepository,
    private readonly hosts: HostsRepository,
    private readonly worker: CommandWorker,
    private readonly agents: AgentsService,
    private readonly events: CommandEvents,
    private readonly clock: Clock,
  ) {}

  /** Accepts a run: when this returns, every command of it is committed. Sent again with the same id, it finds the first. */
  async run(request: NewRun, requestedBy: string): Promise<{ runId: string; commands: Command[] }> {
    const runId = request.runId ?? randomUUID()
    const bodyHash = hashOf({ ...request, runId })
    const known = await this.commands.findRun(runId)
    if (known) return this.knownRun(known.bodyHash, bodyHash, runId)

    const hosts = await this.resolve(request.hosts)
    const { hosts: _hosts, runId: _runId, ...spec } = request
    const [firstHost, ...otherHosts] = hosts
    const newCommand = (host: Host) => this.newCommand('command', host, spec, { runId, requestedBy })
    const commands: NewCommandRun['commands'] = [newCommand(firstHost), ...otherHosts.map(newCommand)]
    try {
      await this.commands.insertRun({
        id: runId,
        bodyHash,
        requestedBy,
        createdAt: this.clock.now(),
        commands,
      })
    } catch (error) {
      // The same request twice at the same time: the other one was faster.
      const first = await this.commands.findRun(runId)
      if (first) return this.knownRun(first.bodyHash, bodyHash, runId)
      throw error
    }
    for (const command of commands) this.worker.announce(command.id)
    return { runId, commands }
  }

  /** An installation or removal of a host, yet to be stored; its output is a log like any command's. */
  newProvisioning(
    kind: Exclude<CommandKind, 'command'>,
    host: Pick<Host, 'id' | 'name'>,
    requestedBy: string,
  ): NewCommandRun {
    const runId = randomUUID()
    const command = this.newCommand(
      kind,
      host,
      { ...PROVISIONING, program: `${kind}_agent.yml` },
      { runId, requestedBy },
    )
    return {
      id: runId,
      bodyHash: hashOf({ kind, host: host.id, runId }),
      requestedBy,
      createdAt: command.createdAt,
      commands: [command],
    }
  }

  /** Says that a stored command is due. */
  announce(id: string): void {
    this.worker.announce(id)
  }

  async show(id: string): Promise<Command> {
    const command = await this.commands.find(id)
    if (!command)
      throw new RollcallError(
        'command.not_found',
        `There is no command ${id}. "rollcall command list" shows those there are.`,
      )
    return command
  }

  async list(
    filter: Omit<CommandFilter, 'before' | 'hostId'> & {
      host?: string | undefined
      before?: string | undefined
    },
  ): Promise<Command[]> {
    const { host, before, ...rest } = filter
    const hostId = host === undefined ? undefined : (await this.hosts.findByNameOrId(host))?.id
    if (host !== undefined && hostId === undefined) throw unknownHosts([host])
    return this.commands.list({
      ...rest,
      hostId,
      before: before === undefined ? undefined : await this.show(before),
    })
  }

  /** Stored output from `offset` on, about `maxBytes` of it. */
  async readOutput(id: string, offset: number, maxBytes: number): Promise<CommandOutput> {
    // The state is read first: a command that had ended by then has all its output stored.
    const command = await this.show(id)
    if (command.outputRemovedAt)
      throw new RollcallError(
        'command.output_gone',
        `The output of this command was removed on ${command.outputRemovedAt.toISOString()}, when it was old enough. ROLLCALL_OUTPUT_DAYS says how long output is kept.`,
      )
    const pieces = await this.work.readPieces(id, offset, maxBytes)
    const chunks = pieces.flatMap((piece) => splitPiece(piece, piece.offset, offset, offset + maxBytes))
    const last = chunks.at(-1)
    const nextOffset = last ? last.offset + last.data.length : offset
    return {
      chunks: chunks.map((chunk) => ({
        offset: chunk.offset,
        stream: chunk.stream,
        data: chunk.data.toString('base64'),
      })),
      nextOffset,
      isFinal: isFinalState(command.state) && nextOffset >= command.outputBytes,
    }
  }

  /** Asks a command to end. One that has ended stays as it is. */
  async cancel(id: string): Promise<Command> {
    const outcome = await this.work.requestCancel(id, this.clock.now())
    if (outcome === 'requested') this.worker.announceCancel(id)
    this.events.commandChanged(id)
    return this.show(id)
  }

  /** Writes to a running command's input; returns the offset after it. Safe to repeat. */
  async writeInput(id: string, offset: number, data: string, eof: boolean): Promise<number> {
    const command = await this.running(id)
    if (!command.stdin && !command.tty)
      throw new RollcallError(
        'command.no_input',
        'This command was started without standard input. Run it with stdin or tty.',
      )
    await this.agents.call(command.hostId, 'write_input', { command_id: id, offset, data, eof })
    return offset + Buffer.from(data, 'base64').length
  }

  async resize(id: string, columns: number, rows: number): Promise<void> {
    const command = await this.running(id)
    if (!command.tty)
      throw new RollcallError(
        'command.no_terminal',
        'This command was started without a terminal. Run it with tty.',
      )
    await this.agents.call(command.hostId, 'resize_terminal', { command_id: id, columns, rows })
  }

  private async running(id: string): Promise<Command> {
    const command = await this.show(id)
    if (command.kind !== 'command' || command.state !== 'running')
      throw new RollcallError(
        'command.not_running',
        `The command is ${command.state}; only a running one takes input.`,
      )
    return command
  }

  private async knownRun(firstHash: string, bodyHash: string, runId: string) {
    if (firstHash !== bodyHash)
      throw new RollcallError(
        'command.id_conflict',
        `The run ${runId} was asked for before with another body. Choose another runId for another request.`,
        {
          fields: [{ field: 'runId', message: 'is taken by another request' }],
        },
      )
    return { runId, commands: await this.commands.list({ runId, limit: 10_000 }) }
  }

  private newCommand(
    kind: CommandKind,
    host: Pick<Host, 'id' | 'name'>,
    spec: CommandSpec,
    run: { runId: string; requestedBy: string },
  ): Command {
    return {
      ...spec,
      ...run,
      id: commandIdOf(run.runId, host.id),
      kind,
      hostId: host.id,
      hostName: host.name,
      state: 'pending',
      reasonCode: null,
      reason: null,
      exitCode: null,
      signal: null,
      cancelRequestedAt: null,
      createdAt: this.clock.now(),
      dispatchedAt: null,
      startedAt: null,
      endedAt: null,
      unansweredSince: null,
      outputBytes: 0,
      droppedBytes: 0,
      outputRemovedAt: null,
    }
  }

  /** Every host that is named, each once; all that are wrong are told at once. */
  private async resolve(names: readonly string[]): Promise<[Host, ...Host[]]> {
    const found = await this.hosts.findAllByNameOrId(names)
    const unknown = names.filter((name) => !found.has(name))
    if (unknown.length > 0) throw unknownHosts(unknown)
    const hosts = [...new Map([...found.values()].map((host) => [host.id, host])).values()]
    const notInstalled = hosts.filter((host) => !host.isInstalled)
    if (notInstalled.length > 0)
      throw new RollcallError(
        'host.not_installed',
        `No agent is installed yet on: ${notInstalled.map((host) => host.name).join(', ')}. Wait for the installation, or repeat it with "rollcall host install NAME".`,
        {
          fields: [
            { field: 'hosts', message: `not installed: ${notInstalled.map((host) => host.name).join(', ')}` },
          ],
        },
      )
    return hosts as [Host, ...Host[]]
  }
}

function unknownHosts(names: readonly string[]): RollcallError {
  const list = names.slice(0, 20).join(', ')
  return new RollcallError(
    'host.not_found',
    `There is no host called: ${list}. "rollcall host list" shows those there are.`,
    {
      fields: [{ field: 'hosts', message: `unknown: ${list}` }],
    },
  )
}

/** Of a request's meaning: the order of an object's keys does not count. */
function hashOf(value: unknown): string {
  const canonical = JSON.stringify(value, (_key, part) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
  return createHash('sha256').update(canonical).digest('hex')
}
