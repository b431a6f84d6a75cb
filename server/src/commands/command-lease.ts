import { setMaxListeners } from 'node:events'
import { RollcallError } from '@rollcall/contracts'
import type { Clock } from '../platform/clock/clock.ts'
import { type CommandEvents, toChange } from './command-events.ts'
import type { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import type { CommandMetrics } from './command-metrics.ts'
import type { Ending, LeasedCommand } from './domain/command.ts'
import type { OutputPiece } from './output/domain/output.ts'
import {
  type BoundedPiece,
  boundPiece,
  closingPiece,
  takenBytes,
  toOutputState,
  UNCUT,
} from './output/domain/output-bound.ts'
import type { OutputRepository } from './output/output.repository.ts'
import type { OutputBudget } from './output/output-budget.ts'

/** Progress of a command while it is driven. */
export type CommandProgress =
  | { kind: 'running' }
  /** `offset` is that of the piece's first byte in what the host has written. */
  | { kind: 'output'; offset: number; piece: OutputPiece }

/** The lease was lost or the server stops: the handler ends, and another server drives the command on. */
export class LeaseLostError extends Error {}

export interface LeasePorts {
  owner: string
  lifecycle: CommandLifecycleRepository
  outputs: OutputRepository
  budget: OutputBudget
  events: CommandEvents
  metrics: CommandMetrics
  clock: Clock
}

/** A command under this server's lease, and the only way to change it. */
export class CommandLease {
  private readonly stop = new AbortController()
  private readonly cancel = new AbortController()
  private command: LeasedCommand | undefined
  private output = UNCUT

  constructor(
    readonly id: string,
    private readonly ports: LeasePorts,
  ) {
    // Each call to an agent listens on these, and a long command makes many.
    setMaxListeners(0, this.stop.signal, this.cancel.signal)
  }

  /** Fires when this server must let go. */
  get stopped(): AbortSignal {
    return this.stop.signal
  }

  /** Fires when somebody wants the command to end. */
  get cancelled(): AbortSignal {
    return this.cancel.signal
  }

  /** Bytes of the host's output that were taken, stored or cut: where its output continues. */
  get takenBytes(): number {
    return takenBytes(this.output)
  }

  /** Output that comes now is cut. */
  get isCutting(): boolean {
    return this.output.isCut
  }

  /** Takes note of the command that was leased. */
  acquired(command: LeasedCommand): void {
    this.command = command
    this.output = toOutputState(command)
    if (command.cancelRequestedAt) this.noticeCancel()
  }

  lose(): void {
    this.stop.abort(new LeaseLostError())
  }

  noticeCancel(): void {
    this.cancel.abort()
  }

  /** Stores progress and shows it to viewers. Throws `LeaseLostError` when the lease is gone. */
  report(progress: CommandProgress): Promise<void> {
    return progress.kind === 'running' ? this.start() : this.append(progress.offset, progress.piece)
  }

  /** Stores how the command ended. Throws `LeaseLostError` when the lease is gone. */
  async end(ending: Ending): Promise<void> {
    const { owner, lifecycle, metrics, clock } = this.ports
    const closing = closingPiece(this.output)
    if (closing) await this.store(closing)
    this.check(await lifecycle.end(this.id, owner, ending, clock.now()))
    metrics.ended(this.command?.kind ?? 'command', ending.state)
    this.publish(true)
  }

  private async start(): Promise<void> {
    const { owner, lifecycle, clock } = this.ports
    this.check(await lifecycle.start(this.id, owner, clock.now()))
    this.publish(false)
  }

  /** Stores what follows `takenBytes`, or as much of it as the server keeps; the rest is counted and marked. */
  private async append(offset: number, piece: OutputPiece): Promise<void> {
    if (offset !== this.takenBytes)
      throw new RollcallError(
        'server.defect',
        `output of byte ${offset} came where that of byte ${this.takenBytes} follows`,
      )
    await this.store(boundPiece(this.output, piece, this.ports.budget.room))
  }

  private async store({ piece, next }: BoundedPiece): Promise<void> {
    const { owner, outputs, budget, events } = this.ports
    const before = this.output
    this.check(await outputs.append(this.id, owner, before.storedBytes, piece, { before, next }))
    this.output = next
    if (piece.data.length === 0) return
    budget.stored(piece.data.length)
    events.outputStored({ commandId: this.id, offset: before.storedBytes, ...piece })
  }

  private publish(hasEnded: boolean): void {
    if (this.command) this.ports.events.commandChanged(toChange(this.command, hasEnded))
  }

  private check(isHeld: boolean): void {
    if (isHeld) return
    this.lose()
    throw new LeaseLostError()
  }
}
