import type { CommandView, LiveEvent, OutputChunk } from '@rollcall/contracts/admin'
import { type ApiError, isTransient } from '@rollcall/contracts/client'
import {
  type FollowSettings,
  followWithReconnect,
  type Subscription,
  toApiError,
} from './follow-with-reconnect.ts'
import type { LiveConnection } from './live-connection.ts'

/** How many commands the server follows over one connection; the next one begins when one has ended. */
const MAX_FOLLOWED = 1000

export interface LiveOutput extends Pick<OutputChunk, 'offset' | 'stream'> {
  data: Buffer
}

/** Gets output in order, each byte once. A returned promise holds everything back until it is settled. */
export interface Viewer {
  onOutput(commandId: string, output: LiveOutput): void | Promise<void>
  /** The state has changed, or was sent again after a reconnection. */
  onChange(command: CommandView): void
  /** All output came before. */
  onEnd(command: CommandView): void | Promise<void>
  /** The server refuses to follow this one any longer. */
  onRefused(commandId: string, error: ApiError): void
}

/** Follows commands to their ends, each from its own byte offset. */
export class Follower implements Subscription {
  private readonly positions: Map<string, number>
  private readonly viewer: Viewer
  private readonly settings: FollowSettings
  /** Commands that the present connection was not asked for yet. */
  private waiting: string[] = []

  /** `from` holds the byte offset at which to start for each command. */
  constructor(from: ReadonlyMap<string, number>, viewer: Viewer, settings: FollowSettings) {
    this.positions = new Map(from)
    this.viewer = viewer
    this.settings = settings
  }

  /** Resolves when every command has ended. Throws `UnreachableError` when the server stayed silent for too long. */
  run(): Promise<void> {
    return followWithReconnect(this, this.settings)
  }

  get isDone(): boolean {
    return this.positions.size === 0
  }

  request(connection: LiveConnection): void {
    this.waiting = [...this.positions.keys()]
    this.follow(MAX_FOLLOWED, connection)
  }

  async take(event: LiveEvent, connection: LiveConnection): Promise<boolean> {
    const before = this.positions.size
    const isOfUse = await this.takeEvent(event)
    this.follow(before - this.positions.size, connection)
    return isOfUse
  }

  private follow(count: number, connection: LiveConnection): void {
    for (const commandId of this.waiting.splice(0, count))
      connection.send({ type: 'follow', commandId, offset: this.positions.get(commandId) ?? 0 })
  }

  private async takeEvent(event: LiveEvent): Promise<boolean> {
    if (event.type === 'output') return this.takeOutput(event)
    if (event.type === 'error') return this.takeError(event)
    if (event.type !== 'command' && event.type !== 'end') return true
    const { command } = event
    if (!this.positions.has(command.id)) return true
    if (event.type === 'command') this.viewer.onChange(command)
    else {
      this.positions.delete(command.id)
      await this.viewer.onEnd(command)
    }
    return true
  }

  private async takeOutput({
    commandId,
    offset,
    stream,
    data,
  }: LiveEvent & { type: 'output' }): Promise<boolean> {
    const position = this.positions.get(commandId)
    if (position === undefined) return true
    const bytes = Buffer.from(data, 'base64')
    // A gap: a new connection begins at our own offset.
    if (offset > position) return false
    const fresh = bytes.subarray(position - offset)
    if (fresh.length === 0) return true
    this.positions.set(commandId, position + fresh.length)
    await this.viewer.onOutput(commandId, { offset: position, stream, data: fresh })
    return true
  }

  private takeError(event: LiveEvent & { type: 'error' }): boolean {
    const error = toApiError(event)
    if (isTransient(error)) return false
    if (event.commandId === null) throw error
    if (this.positions.delete(event.commandId)) this.viewer.onRefused(event.commandId, error)
    return true
  }
}
