import { openSync, statSync, writeSync } from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import type { AgentLimits, AgentParams, AgentResult, CommandStatus } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import { closing, createOnce, errorCode } from '../../platform/files.ts'
import { toStatus } from '../../spool/command-state.ts'
import type { CommandPaths } from '../../spool/spool-paths.ts'
import { hashParams, type SpecRecord } from '../../spool/spool-records.ts'
import type { RunnerLink } from '../runner-link.ts'
import type { CommandStore, FoundCommand } from './command-store.ts'
import { type ReleasedCommands, type Tombstone, UNREADABLE, WITHDRAWN } from './released-commands.ts'

/** Maximum commands that the host keeps, ended ones that the server has not released included. */
const MAX_KEPT_COMMANDS = 10_000
/** Bytes of standard input kept for one command. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024

type Answer = { command_id: string; status: CommandStatus }

/** Starts, cancels, withdraws and releases commands. Calls for one command run one after the other. */
export class CommandsService {
  /** The latest call for each id; the next one for the same id waits for it. */
  readonly #queues = new Map<string, Promise<unknown>>()
  /** Commands with an unreadable record that were reported to a runner. */
  readonly #damaged = new Set<string>()

  constructor(
    private readonly store: CommandStore,
    private readonly released: ReleasedCommands,
    private readonly runner: RunnerLink,
    private readonly limits: AgentLimits,
    private readonly clock: Clock,
  ) {}

  /**
   * Accepts a command and has it started; an id that is known starts nothing. `hash` identifies the request if it has more than `params`;
   * `beforeAccepted` runs once a new command has passed the limits. Throws `command.id_conflict`, `agent.overloaded`.
   */
  execute(
    params: AgentParams<'execute_command'>,
    {
      hash = hashParams(params),
      beforeAccepted,
    }: { hash?: string; beforeAccepted?: () => Promise<void> } = {},
  ): Promise<Answer> {
    return this.#inTurn(params.command_id, async () => {
      const command_id = params.command_id
      const tombstone = this.released.find(command_id)
      if (tombstone !== null) {
        refuseConflict(tombstone.hash, hash, command_id)
        return { command_id, status: tombstone.status }
      }
      const found = this.store.find(command_id)
      if (found !== null) {
        refuseConflict(toHash(found), hash, command_id)
        return { command_id, status: this.#restart(command_id, found) }
      }
      this.#refuseOverload()
      if (beforeAccepted) await withDiskFullError(beforeAccepted())
      await withDiskFullError(this.store.accept(params, hash, this.clock.epochMs()))
      this.runner.send({ op: 'start', id: command_id })
      return { command_id, status: 'running' }
    })
  }

  cancel(command_id: string): Promise<Answer> {
    return this.#inTurn(command_id, async () => {
      const known = this.find(command_id)
      if ('releasedAtMs' in known) return { command_id, status: known.status }
      if (known.decision.kind === 'final') return { command_id, status: known.decision.result.status }
      // A command that has not started is started and then ended, so that its end is recorded.
      if (known.decision.kind === 'startable') this.runner.send({ op: 'start', id: command_id })
      this.runner.send(known.decision.kind === 'lost' ? { op: 'scan' } : { op: 'cancel', id: command_id })
      return { command_id, status: 'running' }
    })
  }

  /** Withdraws a command: after `withdrawn: true` no program of this id ran or will ever run, whatever requests are still under way. */
  withdraw(command_id: string): Promise<AgentResult<'withdraw_command'>> {
    return this.#inTurn(command_id, async () => {
      const tombstone = this.released.find(command_id)
      if (tombstone !== null) return { command_id, withdrawn: tombstone.hash === WITHDRAWN }
      const found = this.store.find(command_id)
      if (found === null) {
        await withDiskFullError(this.released.add(command_id, WITHDRAWN, 'cancelled'))
        return { command_id, withdrawn: true }
      }
      if (isWithdrawn(found)) return { command_id, withdrawn: true }
      if (found.view.isClaimed || found.view.exit !== null) return { command_id, withdrawn: false }
      const withdrawn = await withDiskFullError(this.store.withdraw(command_id, this.clock.epochMs()))
      return { command_id, withdrawn }
    })
  }

  release(command_id: string): Promise<AgentResult<'release_command'>> {
    return this.#inTurn(command_id, async () => {
      const known = this.find(command_id)
      if ('releasedAtMs' in known) {
        if (this.store.find(command_id) !== null) this.store.remove(command_id)
        return { command_id, released: true }
      }
      if (known.decision.kind !== 'final') return { command_id, released: false }
      // The tombstone comes first: a power cut in between leaves both, never neither.
      await this.released.add(command_id, toHash(known), known.decision.result.status)
      this.store.remove(command_id)
      return { command_id, released: true }
    })
  }

  writeInput(params: AgentParams<'write_input'>): Promise<AgentResult<'write_input'>> {
    return this.#inTurn(params.command_id, async () => {
      const found = this.#running(params.command_id)
      const { stdin, tty } = found.spec.params
      if (!stdin && !tty) {
        throw new RollcallError(
          'command.no_input',
          'The command was started without standard input (stdin: false).',
        )
      }
      appendInput(found.paths, params.offset, Buffer.from(params.data, 'base64'))
      if (params.eof) createOnce(found.paths.inputEnd, '')
      this.runner.send({ op: 'input', id: params.command_id })
      return { command_id: params.command_id, accepted: true }
    })
  }

  resize(params: AgentParams<'resize_terminal'>): Promise<AgentResult<'resize_terminal'>> {
    return this.#inTurn(params.command_id, async () => {
      const found = this.#running(params.command_id)
      if (!found.spec.params.tty) {
        throw new RollcallError(
          'command.no_terminal',
          'The command was started without a terminal (tty: false).',
        )
      }
      const { command_id: id, columns, rows } = params
      this.runner.send({ op: 'resize', id, columns, rows })
      return { command_id: id, accepted: true }
    })
  }

  /** Returns a command, or its tombstone. Throws `command.not_found` for an id that the host does not know. */
  find(id: string): FoundCommand | Tombstone {
    const known = this.released.find(id) ?? this.store.find(id)
    if (known === null) throw new RollcallError('command.not_found', `The host knows no command ${id}.`)
    if ('decision' in known && known.decision.kind === 'lost' && known.view.isUnreadable)
      this.#reportDamage(id)
    return known
  }

  /** Resolves when earlier calls for this id are done, so that a reader sees their effect. */
  async settled(id: string): Promise<void> {
    // A failure is reported to its own caller.
    await this.#queues.get(id)?.catch(() => undefined)
  }

  running(): string[] {
    return this.store.running()
  }

  /** Has the runner start accepted commands and record lost ones after a start of the agent. Throws if no runner is listening. */
  resume(): void {
    if (this.store.running().length > 0) this.runner.send({ op: 'scan' })
  }

  // A record may be damaged while its command runs or after its end: then a runner must record the loss.
  #reportDamage(id: string): void {
    if (this.#damaged.has(id)) return
    try {
      this.runner.send({ op: 'scan' })
      this.#damaged.add(id)
    } catch (error) {
      // No runner is listening. The next one searches the spool when it starts.
      if (!(error instanceof RollcallError)) throw error
    }
  }

  #restart(id: string, found: FoundCommand): CommandStatus {
    if (found.decision.kind === 'startable') this.runner.send({ op: 'start', id })
    if (found.decision.kind === 'lost') this.runner.send({ op: 'scan' })
    return toStatus(found.decision)
  }

  #running(id: string): FoundCommand & { spec: SpecRecord } {
    const known = this.find(id)
    const spec = 'releasedAtMs' in known ? null : known.view.spec
    if (
      'releasedAtMs' in known ||
      spec === null ||
      known.decision.kind === 'final' ||
      known.decision.kind === 'lost'
    ) {
      throw new RollcallError('command.not_running', 'The command has ended.')
    }
    return { ...known, spec }
  }

  #refuseOverload(): void {
    const { running_commands: max } = this.limits
    if (this.store.running().length >= max) {
      throw new RollcallError(
        'agent.overloaded',
        `The host already runs ${max} commands; wait for one to end.`,
      )
    }
    if (this.store.count >= MAX_KEPT_COMMANDS) {
      const message = `The host keeps the output of ${MAX_KEPT_COMMANDS} ended commands; release some first.`
      throw new RollcallError('agent.overloaded', message)
    }
  }

  // The number of queues is bounded by the number of calls.
  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#queues.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#queues.get(id) === mine) this.#queues.delete(id)
    }
  }
}

const isWithdrawn = (found: FoundCommand): boolean => found.view.started?.withdrawn_at_ms !== undefined

const toHash = (found: FoundCommand): string =>
  isWithdrawn(found) ? WITHDRAWN : (found.view.spec?.hash ?? UNREADABLE)

/** Converts a full disk to `agent.overloaded`. */
async function withDiskFullError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(errorCode(error))) throw error
    const message = 'The disk of the host is full; free some space under /var/lib there.'
    throw new RollcallError('agent.overloaded', message, { cause: error })
  }
}

function refuseConflict(known: string, asked: string, id: string): void {
  if ([asked, WITHDRAWN, UNREADABLE].includes(known)) return
  throw new RollcallError(
    'command.id_conflict',
    `Command ${id} exists with other parameters; choose a new id.`,
  )
}

/** Appends the new part of `data`, which starts at `offset` of the input. Throws `request.invalid` for a gap, `command.no_input`. */
function appendInput(paths: CommandPaths, offset: number, data: Buffer): void {
  const size = readSize(paths.input)
  if (offset > size) {
    throw new RollcallError(
      'request.invalid',
      `The input has a gap: the host has ${size} bytes, so send from there on.`,
      {
        fields: [{ field: 'offset', message: `must not be above ${size}` }],
      },
    )
  }
  const fresh = data.subarray(size - offset)
  if (fresh.length === 0) return
  if (size + fresh.length > MAX_INPUT_BYTES || statIfThere(paths.inputEnd) !== null) {
    throw new RollcallError('command.no_input', 'The input of the command is closed, or longer than 64 MiB.')
  }
  const fd = openSync(paths.input, 'a', 0o600)
  using _fd = closing(fd)
  let written = 0
  while (written < fresh.length) written += writeSync(fd, fresh, written)
}

const readSize = (path: string) => statIfThere(path)?.size ?? 0
const statIfThere = (path: string) => statSync(path, { throwIfNoEntry: false }) ?? null
