import { EventEmitter } from 'node:events'
import { Injectable } from '@nestjs/common'

export interface OutputStored {
  commandId: string
  offset: number
  data: Buffer
  runs: number[]
}

/**
 * Tells viewers in this process what was just committed. A hint and no more: a viewer that missed one finds the same
 * in the database.
 */
@Injectable()
export class CommandEvents {
  private readonly emitter = new EventEmitter().setMaxListeners(0)

  outputStored(event: OutputStored): void {
    this.emitter.emit(`output/${event.commandId}`, event)
  }

  commandChanged(commandId: string): void {
    this.emitter.emit(`changed/${commandId}`)
  }

  /** Calls back until the returned function is called. */
  follow(commandId: string, onOutput: (event: OutputStored) => void, onChange: () => void): () => void {
    this.emitter.on(`output/${commandId}`, onOutput).on(`changed/${commandId}`, onChange)
    return () => {
      this.emitter.off(`output/${commandId}`, onOutput).off(`changed/${commandId}`, onChange)
    }
  }
}
