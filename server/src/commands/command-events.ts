import { EventEmitter } from 'node:events'
import { Injectable } from '@nestjs/common'
import type { Command } from './domain/command.ts'
import { joinChunks, splitPiece } from './domain/output.ts'

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
 * Each piece that is told is a write to the socket of everybody who looks. Where these are more than so many, what comes
 * within a moment is told in one piece.
 */
const CROWD = 8
const MOMENT_MS = 20
/** More than this is not kept for a moment. */
const MOST_KEPT_BYTES = 256 * 1024

/**
 * Tells viewers in this process what was just committed. A hint and no more: a viewer that missed one finds the same
 * in the database.
 */
@Injectable()
export class CommandEvents {
  private readonly emitter = new EventEmitter().setMaxListeners(0)

  private readonly kept = new Map<string, OutputStored[]>()

  outputStored(event: OutputStored): void {
    const { commandId } = event
    const kept = this.kept.get(commandId)
    if (kept) {
      kept.push(event)
      if (kept.reduce((sum, { data }) => sum + data.length, 0) > MOST_KEPT_BYTES) this.tellKept(commandId)
    } else if (this.emitter.listenerCount(`output/${commandId}`) > CROWD) {
      this.kept.set(commandId, [event])
      setTimeout(() => this.tellKept(commandId), MOMENT_MS).unref()
    } else this.emitter.emit(`output/${commandId}`, event)
  }

  private tellKept(commandId: string): void {
    const kept = this.kept.get(commandId) ?? []
    this.kept.delete(commandId)
    for (const event of joinOutput(kept)) this.emitter.emit(`output/${commandId}`, event)
  }

  commandChanged(change: CommandChanged): void {
    this.tellKept(change.id)
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

/** The same output in as few pieces as can be: one that does not begin where the one before ended stays by itself. */
function joinOutput(events: readonly OutputStored[]): OutputStored[] {
  const groups: OutputStored[][] = []
  let end: number | undefined
  for (const event of events) {
    if (event.offset === end) groups.at(-1)?.push(event)
    else groups.push([event])
    end = event.offset + event.data.length
  }
  return groups.flatMap((group) => {
    const [first] = group
    if (!first || group.length === 1) return group
    const chunks = group.flatMap((event) => splitPiece(event, event.offset, event.offset))
    return { commandId: first.commandId, offset: first.offset, ...joinChunks(chunks) }
  })
}
