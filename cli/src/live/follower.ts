import { ERROR_KINDS, isErrorCode } from '@rollcall/contracts'
import type { CommandView, LiveEvent, OutputChunk } from '@rollcall/contracts/admin'
import type { ServerAddress } from '../api/find-server.ts'
import { backOffMs, pause } from '../api/retry.ts'
import { ApiError, isPassing, UnreachableError } from '../errors.ts'
import { LiveConnection } from './live-connection.ts'

/** The server follows at most 1000 commands over one connection. Beyond that, the next begins when one has ended. */
const MAX_FOLLOWED = 1000

export interface LiveOutput extends Pick<OutputChunk, 'offset' | 'stream'> {
  data: Buffer
}

/** Told in order, and each byte once. A promise holds everything back until it is settled. */
export interface Viewer {
  onOutput(commandId: string, output: LiveOutput): void | Promise<void>
  /** The state has changed, or was asked for anew after a reconnection. */
  onChange(command: CommandView): void
  /** All output was told before. */
  onEnd(command: CommandView): void | Promise<void>
  /** The server will not tell more about this one. */
  onRefused(commandId: string, error: ApiError): void
}

interface Settings {
  find(): Promise<ServerAddress>
  notice(text: string): void
  /** Milliseconds without any answer after which following is given up. */
  giveUpAfterMs: number
  signal: AbortSignal
}

/** Follows commands to their ends, through lost connections and restarts of the server, each from its own byte offset. */
export class Follower {
  private readonly positions: Map<string, number>
  private readonly viewer: Viewer
  private readonly settings: Settings
  private hasHeard = false

  /** `from` holds the byte offset where each command's output starts that is wanted. */
  constructor(from: ReadonlyMap<string, number>, viewer: Viewer, settings: Settings) {
    this.positions = new Map(from)
    this.viewer = viewer
    this.settings = settings
  }

  /** Resolves when every command has ended. Throws `UnreachableError` when the server stayed silent for too long. */
  async run(): Promise<void> {
    const { notice, giveUpAfterMs, signal } = this.settings
    let silentSince = performance.now()
    let failures = 0
    let isTold = false
    while (this.positions.size > 0) {
      this.hasHeard = false
      const failure = await this.attend(() => {
        if (isTold) notice('connected again')
        isTold = false
      })
      if (this.positions.size === 0) return
      if (this.hasHeard) {
        failures = 0
        silentSince = performance.now()
      }
      const silentMs = performance.now() - silentSince
      if (silentMs >= giveUpAfterMs) throw this.tooLong(failure)
      if (failures > 0 && !isTold) {
        notice('connection lost, reconnecting…')
        isTold = true
      }
      await pause(Math.min(backOffMs(failures++), giveUpAfterMs - silentMs), signal)
    }
  }

  /** One connection, until it breaks or nothing is left to follow. Returns what broke it. Throws what will not pass. */
  private async attend(onFirstNews: () => void): Promise<unknown> {
    const { find, signal } = this.settings
    let connection: LiveConnection | undefined
    try {
      connection = await LiveConnection.open(await find(), signal)
      const waiting = [...this.positions.keys()]
      const follow = (count: number) => {
        for (const commandId of waiting.splice(0, count))
          connection?.send({ type: 'follow', commandId, offset: this.positions.get(commandId) ?? 0 })
      }
      follow(MAX_FOLLOWED)
      for await (const event of connection.events(signal)) {
        const followed = this.positions.size
        if (!(await this.take(event))) return undefined
        if (!this.hasHeard) onFirstNews()
        this.hasHeard = true
        if (this.positions.size === 0) return undefined
        follow(followed - this.positions.size)
      }
      return undefined
    } catch (error) {
      if (!isPassing(error)) throw error
      return error
    } finally {
      connection?.close()
    }
  }

  /** False when this connection is of no more use. */
  private async take(event: LiveEvent): Promise<boolean> {
    if (event.type === 'output') return this.takeOutput(event)
    if (event.type === 'error') return this.takeError(event)
    if (event.type === 'fleet') return true
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
    // A gap: what is missing is asked for again from our own offset.
    if (offset > position) return false
    const fresh = bytes.subarray(position - offset)
    if (fresh.length === 0) return true
    this.positions.set(commandId, position + fresh.length)
    await this.viewer.onOutput(commandId, { offset: position, stream, data: fresh })
    return true
  }

  private takeError({ commandId, code, message }: LiveEvent & { type: 'error' }): boolean {
    const kind = isErrorCode(code) ? ERROR_KINDS[code] : 'unavailable'
    if (kind === 'unavailable') return false
    const error = new ApiError(message, kind, { code })
    if (commandId === null) throw error
    if (this.positions.delete(commandId)) this.viewer.onRefused(commandId, error)
    return true
  }

  private tooLong(cause: unknown): UnreachableError {
    const seconds = Math.round(this.settings.giveUpAfterMs / 1000)
    const why = cause instanceof Error ? ` ${cause.message}` : ''
    return new UnreachableError(
      `The server has not answered for ${seconds} s, so following was given up.${why}`,
      { cause },
    )
  }
}
