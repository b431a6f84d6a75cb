import { RollcallError } from '@rollcall/contracts'
import type { CommandEvents } from '../command-events.ts'
import type { Command } from '../domain/command.ts'
import type { OutputPiece } from './domain/output.ts'
import {
  type BoundedPiece,
  boundPiece,
  closingPiece,
  takenBytes,
  toOutputState,
  UNCUT,
} from './domain/output-bound.ts'
import type { OutputRepository } from './output.repository.ts'
import type { OutputBudget } from './output-budget.ts'

export interface OutputPorts {
  owner: string
  outputs: OutputRepository
  budget: OutputBudget
  events: CommandEvents
}

/** The output of a command that this server drives: keeps it within its bounds, stores it, and shows it to viewers. */
export class CommandOutput {
  private state = UNCUT

  constructor(
    private readonly id: string,
    private readonly ports: OutputPorts,
  ) {}

  /** Continues where the output of a command was stored to. */
  restore(command: Command): void {
    this.state = toOutputState(command)
  }

  /** Bytes of the host's output that were taken, stored or cut: where its output continues. */
  get takenBytes(): number {
    return takenBytes(this.state)
  }

  /** Output that comes now is cut. */
  get isCutting(): boolean {
    return this.state.isCut
  }

  /**
   * Stores what follows `takenBytes`, or as much of it as the server keeps; the rest is counted and marked. Returns false when
   * the lease is gone. Throws `server.defect` for any other offset.
   */
  async append(offset: number, piece: OutputPiece): Promise<boolean> {
    if (offset !== this.takenBytes)
      throw new RollcallError(
        'server.defect',
        `output of byte ${offset} came where that of byte ${this.takenBytes} follows`,
      )
    return this.store(boundPiece(this.state, piece, this.ports.budget.room))
  }

  /** Marks an output whose end was cut. Returns false when the lease is gone. */
  async close(): Promise<boolean> {
    const closing = closingPiece(this.state)
    return closing === null || this.store(closing)
  }

  private async store({ piece, next }: BoundedPiece): Promise<boolean> {
    const { owner, outputs, budget, events } = this.ports
    const before = this.state
    if (!(await outputs.append(this.id, owner, before.storedBytes, piece, { before, next }))) return false
    this.state = next
    if (piece.data.length > 0) {
      budget.stored(piece.data.length)
      events.outputStored({ commandId: this.id, offset: before.storedBytes, ...piece })
    }
    return true
  }
}
