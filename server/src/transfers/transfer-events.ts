import { EventEmitter } from 'node:events'
import { Injectable } from '@nestjs/common'

/** A transfer of which something is new on one host. */
export interface TransferChanged {
  transferId: string
  /** That of the transfer's part on the host. */
  id: string
  hasEnded: boolean
}

/**
 * Tells viewers in this process how far transfers are. A hint and no more: a viewer that missed one finds the same in the database.
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
