import { EventEmitter } from 'node:events'
import { Injectable } from '@nestjs/common'

/** A change of a transfer on one host. */
export interface TransferChanged {
  transferId: string
  /** The id of the transfer's part on the host. */
  id: string
  hasEnded: boolean
}

/**
 * Publishes the progress of transfers to viewers in this process. A hint: a viewer that missed one finds the same in the database.
 */
@Injectable()
export class TransferEvents {
  private readonly emitter = new EventEmitter().setMaxListeners(0)

  changed(change: TransferChanged): void {
    this.emitter.emit(change.transferId, change)
  }

  /** Calls back for each change of the transfer, until the returned function is called. */
  follow(transferId: string, onChange: (change: TransferChanged) => void): () => void {
    this.emitter.on(transferId, onChange)
    return () => void this.emitter.off(transferId, onChange)
  }
}
