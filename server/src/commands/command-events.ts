import { EventEmitter } from 'node:events'
import { Injectable } from '@nestjs/common'
import type { Command } from './domain/command.ts'

export interface OutputStored {
  commandId: string
  offset: number
  data: Buffer
  runs: number[]
}

/** A command whose state has changed, or whose reason to wait has. */
export interface CommandChanged {
  id: string
  runId: string
  hasEnded: boolean
  /** Whether its run has limits, so that its end may be another's turn. */
  isLimited: boolean
}

export const changeOf = (command: Command, hasEnded: boolean): CommandChanged => ({
  id: command.id,
  runId: command.runId,
  hasEnded,
  isLimited: command.position !== null,
})

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

  commandChanged(change: CommandChanged): void {
    this.emitter.emit(`changed/${change.id}`)
    this.emitter.emit(`run/${change.runId}`, change)
    if (change.hasEnded && change.isLimited) this.emitter.emit('turn', change.runId)
  }

  /** Calls back for each command of the run that changes, until the returned function is called. */
  followRun(runId: string, onChange: (change: CommandChanged) => void): () => void {
    this.emitter.on(`run/${runId}`, onChange)
    return () => void this.emitter.off(`run/${runId}`, onChange)
  }

  /** Calls back when a command of a run with limits has ended, until the returned function is called. */
  onTurn(callback: (runId: string) => void): () => void {
    this.emitter.on('turn', callback)
    return () => void this.emitter.off('turn', callback)
  }

  /** Calls back until the returned function is called. */
  follow(commandId: string, onOutput: (event: OutputStored) => void, onChange: () => void): () => void {
    this.emitter.on(`output/${commandId}`, onOutput).on(`changed/${commandId}`, onChange)
    return () => {
      this.emitter.off(`output/${commandId}`, onOutput).off(`changed/${commandId}`, onChange)
    }
  }
}
