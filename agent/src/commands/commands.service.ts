import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import type { AgentLimits, AgentParams, AgentResult, CommandStatus } from '@rollcall/contracts/agent'
import type { Clock } from '../platform/clock.ts'
import { createOnce, errorCode } from '../platform/files.ts'
import { toStatus } from './command-state.ts'
import type { CommandStore, FoundCommand } from './command-store.ts'
import { type ReleasedCommands, type Tombstone, UNREADABLE, WITHDRAWN } from './released.ts'
import type { RunnerLink } from './runner-link.ts'
import type { CommandPaths } from './spool-paths.ts'
import { hashParams, type SpecRecord } from './spool-records.ts'

/** Ended commands that the server has not released take room; beyond this many no further one is accepted. */
const MAX_KEPT_COMMANDS = 10_000
/** Bytes of standard input kept for one command. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024

type Answer = { command_id: string; status: CommandStatus }

/** Everything that changes a command. Reading its log is in `command-log.ts`. */
export class CommandsService {
  readonly #store: CommandStore
  readonly #released: ReleasedCommands
  readonly #runner: RunnerLink
  readonly #limits: AgentLimits
  readonly #clock: Clock
  /** The call being worked on for an id; the next one for the same id waits for it. */
  readonly #queues = new Map<string, Promise<unknown>>()
  /** Commands with an unreadable record of which a runner was told. */
  readonly #damaged = new Set<string>()

  constructor(
    store: CommandStore,
    released: ReleasedCommands,
    runner: RunnerLink,
    limits: AgentLimits,
    clock: Clock,
  ) {
    this.#store = store
    this.#released = released
    this.#runner = runner
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * `hash` names the whole order where that is more than `params`. `beforeAccepted` is done for a new command only, once it is
   * sure that there is room for it.
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
      const tombstone = this.#released.find(command_id)
      if (tombstone !== null) {
        refuseConflict(tombstone.hash, hash, command_id)
        return { command_id, status: tombstone.status }
      }
      const found = this.#store.find(command_id)
      if (found !== null) {
        refuseConflict(hashOf(found), hash, command_id)
        return { command_id, status: this.#again(command_id, found) }
      }
      this.#refuseOverload()
      if (beforeAccepted) await orDiskIsFull(beforeAccepted())
      await orDiskIsFull(this.#store.accept(params, hash, this.#clock.epochMs()))
      this.#runner.tell({ op: 'start', id: command_id })
      return { command_id, status: 'running' }
    })
  }

  cancel(command_id: string): Promise<Answer> {
    return this.#inTurn(command_id, async () => {
      const known = this.find(command_id)
      if ('releasedAtMs' in known) return { command_id, status: known.status }
      if (known.decision.kind === 'final') return { command_id, status: known.decision.result.status }
      // A command that nobody has started yet is started and ended by these two orders, so that its end is on record.
      if (known.decision.kind === 'startable') this.#runner.tell({ op: 'start', id: command_id })
      this.#runner.tell(known.decision.kind === 'lost' ? { op: 'scan' } : { op: 'cancel', id: command_id })
      return { command_id, status: 'running' }
    })
  }

  /** A fence: once it has answered `true`, no program of this id runs, ran or will run, whatever is still under way. */
  withdraw(command_id: string): Promise<AgentResult<'withdraw_command'>> {
    return this.#inTurn(command_id, async () => {
      const tombstone = this.#released.find(command_id)
      if (tombstone !== null) return { command_id, withdrawn: tombstone.hash === WITHDRAWN }
      const found = this.#store.find(command_id)
      if (found === null) {
        await orDiskIsFull(this.#released.add(command_id, WITHDRAWN, 'cancelled'))
        return { command_id, withdrawn: true }
      }
      if (isWithdrawn(found)) return { command_id, withdrawn: true }
      if (found.view.isClaimed || found.view.exit !== null) return { command_id, withdrawn: false }
      const withdrawn = await orDiskIsFull(this.#store.withdraw(command_id, this.#clock.epochMs()))
      return { command_id, withdrawn }
    })
  }

  release(command_id: string): Promise<AgentResult<'release_command'>> {
    return this.#inTurn(command_id, async () => {
      const known = this.find(command_id)
      if ('releasedAtMs' in known) {
        if (this.#store.find(command_id) !== null) this.#store.remove(command_id)
        return { command_id, released: true }
      }
      if (known.decision.kind !== 'final') return { command_id, released: false }
      // First the tombstone: a power cut between the two leaves both, never neither.
      await this.#released.add(command_id, hashOf(known), known.decision.result.status)
      this.#store.remove(command_id)
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
      this.#runner.tell({ op: 'input', id: params.command_id })
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
      this.#runner.tell({ op: 'resize', id, columns, rows })
      return { command_id: id, accepted: true }
    })
  }

  /** Throws `command.not_found` for an id that the host has never seen, or has forgotten. */
  find(id: string): FoundCommand | Tombstone {
    const known = this.#released.find(id) ?? this.#store.find(id)
    if (known === null) throw new RollcallError('command.not_found', `The host knows no command ${id}.`)
    if ('decision' in known && known.decision.kind === 'lost' && known.view.isUnreadable)
      this.#reportDamage(id)
    return known
  }

  /** Resolves when what was asked of this id before has been done: a call that only looks sees what it has led to. */
  async settled(id: string): Promise<void> {
    // How it went is told to whoever asked for it.
    await this.#queues.get(id)?.catch(() => undefined)
  }

  running(): string[] {
    return this.#store.running()
  }

  /** After a start of the agent: a runner must take up what was accepted and never started, and record what is lost. */
  resume(): void {
    if (this.#store.running().length > 0) this.#runner.tell({ op: 'scan' })
  }

  // A record may be damaged while its command runs or after its end: then a runner must put the loss on record.
  #reportDamage(id: string): void {
    if (this.#damaged.has(id)) return
    try {
      this.#runner.tell({ op: 'scan' })
      this.#damaged.add(id)
    } catch (error) {
      // Nobody listens now. A runner that starts looks through the spool of its own accord.
      if (!(error instanceof RollcallError)) throw error
    }
  }

  #again(id: string, found: FoundCommand): CommandStatus {
    if (found.decision.kind === 'startable') this.#runner.tell({ op: 'start', id })
    if (found.decision.kind === 'lost') this.#runner.tell({ op: 'scan' })
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
    const { running_commands: most } = this.#limits
    if (this.#store.running().length >= most) {
      throw new RollcallError(
        'agent.overloaded',
        `The host already runs ${most} commands; wait for one to end.`,
      )
    }
    if (this.#store.count >= MAX_KEPT_COMMANDS) {
      const message = `The host keeps the output of ${MAX_KEPT_COMMANDS} ended commands; release some first.`
      throw new RollcallError('agent.overloaded', message)
    }
  }

  // Two calls for one id never overlap. The number of queues is bounded by the number of calls.
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

const hashOf = (found: FoundCommand): string =>
  isWithdrawn(found) ? WITHDRAWN : (found.view.spec?.hash ?? UNREADABLE)

async function orDiskIsFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(errorCode(error))) throw error
    const message = 'The disk of the host is full; free space under /var/lib there.'
    throw new RollcallError('agent.overloaded', message, { cause: error })
  }
}

function refuseConflict(known: string, asked: string, id: string): void {
  if ([asked, WITHDRAWN, UNREADABLE].includes(known)) return
  throw new RollcallError(
    'command.id_conflict',
    `Command ${id} is known with other parameters; choose a new id.`,
  )
}

/** Appends what is new of `data`, whose first byte is number `offset` of the whole input. */
function appendInput(paths: CommandPaths, offset: number, data: Buffer): void {
  const size = sizeOf(paths.input)
  if (offset > size) {
    throw new RollcallError(
      'request.invalid',
      `Input has a gap: the host has ${size} bytes of it, send from there on.`,
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
  try {
    let written = 0
    while (written < fresh.length) written += writeSync(fd, fresh, written)
  } finally {
    closeSync(fd)
  }
}

const sizeOf = (path: string) => statIfThere(path)?.size ?? 0
const statIfThere = (path: string) => statSync(path, { throwIfNoEntry: false }) ?? null
