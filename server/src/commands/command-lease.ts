import { setMaxListeners } from 'node:events'
import type { Clock } from '../platform/clock/clock.ts'
import { toChange } from './command-events.ts'
import type { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import type { CommandMetrics } from './command-metrics.ts'
import type { Ending, LeasedCommand } from './domain/command.ts'
import { CommandOutput, type OutputPorts } from './output/command-output.ts'
import type { OutputPiece } from './output/domain/output.ts'

/** Progress of a command while it is driven. */
export type CommandProgress =
  | { kind: 'running' }
  /** `offset` is that of the piece's first byte in what the host has written. */
  | { kind: 'output'; offset: number; piece: OutputPiece }

/** The lease was lost or the server stops: the handler ends, and another server drives the command on. */
export class LeaseLostError extends Error {}

export interface LeasePorts extends OutputPorts {
  lifecycle: CommandLifecycleRepository
  metrics: CommandMetrics
  clock: Clock
}

/** A command under this server's lease, and the only way to change it. */
export class CommandLease {
  private readonly stop = new AbortController()
  private readonly cancel = new AbortController()
  private command: LeasedCommand | undefined
  private readonly output: CommandOutput

  constructor(
    readonly id: string,
    private readonly ports: LeasePorts,
  ) {
    this.output = new CommandOutput(id, ports)
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
    return this.output.takenBytes
  }

  /** Output that comes now is cut. */
  get isCutting(): boolean {
    return this.output.isCutting
  }

  /** Takes note of the command that was leased. */
  acquired(command: LeasedCommand): void {
    this.command = command
    this.output.restore(command)
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
    this.check(await this.output.close())
    this.check(await lifecycle.end(this.id, owner, ending, clock.now()))
    metrics.ended(this.command?.kind ?? 'command', ending.state)
    this.publish(true)
  }

  private async start(): Promise<void> {
    const { owner, lifecycle, clock } = this.ports
    this.check(await lifecycle.start(this.id, owner, clock.now()))
    this.publish(false)
  }

  private async append(offset: number, piece: OutputPiece): Promise<void> {
    this.check(await this.output.append(offset, piece))
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
