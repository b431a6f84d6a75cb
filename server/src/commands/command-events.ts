import { EventEmitter } from 'node:events'
import { Injectable } from '@nestjs/common'
import type { Command } from './domain/command.ts'
import { LatestOutput, type OutputStored } from './output/domain/latest-output.ts'

/** A command whose state has changed, or whose reason to wait has. */
export interface CommandChanged {
  id: string
  runId: string
  hasEnded: boolean
  /** Its run has limits, so another command of it may start when this one has ended. */
  isLimited: boolean
}

export interface FollowedCommand {
  /** Output since the first viewer began to follow. */
  readonly output: LatestOutput
  /** To be called once. */
  stop(): void
}

export const toChange = (command: Command, hasEnded: boolean): CommandChanged => ({
  id: command.id,
  runId: command.runId,
  hasEnded,
  isLimited: command.position !== null,
})

/** Publishes what was just committed to viewers in this process. A hint: a viewer that missed one finds the same in the database. */
@Injectable()
export class CommandEvents {
  private readonly emitter = new EventEmitter().setMaxListeners(0)
  /** The newest output of each command that is being followed. */
  private readonly latest = new Map<string, { output: LatestOutput; viewers: number }>()

  outputStored(piece: OutputStored): void {
    const latest = this.latest.get(piece.commandId)
    if (!latest) return
    latest.output.add(piece)
    this.emitter.emit(`output/${piece.commandId}`)
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

  /** Calls back for new output and for changes, until `stop` is called. */
  follow(commandId: string, onOutput: () => void, onChange: () => void): FollowedCommand {
    const latest = this.latest.get(commandId) ?? { output: new LatestOutput(), viewers: 0 }
    this.latest.set(commandId, latest)
    latest.viewers++
    this.emitter.on(`output/${commandId}`, onOutput).on(`changed/${commandId}`, onChange)
    const stop = () => {
      this.emitter.off(`output/${commandId}`, onOutput).off(`changed/${commandId}`, onChange)
      if (--latest.viewers === 0) this.latest.delete(commandId)
    }
    return { output: latest.output, stop }
  }
}
