import { ERROR_KINDS, isErrorCode } from '@rollcall/contracts'
import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import type { ServerAddress } from '../api/find-server.ts'
import { backOffMs, pause } from '../api/retry.ts'
import { ApiError, isPassing, UnreachableError } from '../errors.ts'
import { LiveConnection } from './live-connection.ts'

interface Settings {
  find(): Promise<ServerAddress>
  notice(text: string): void
  /** Milliseconds without any answer after which it is given up. */
  giveUpAfterMs: number
  signal: AbortSignal
  /** Told on every connection anew, before the request is sent: what comes from now on starts from the beginning. */
  onRequest(): void
}

/** The answer to one request to `/ws` that has no end, through lost connections and restarts of the server. */
export class LiveFeed {
  private readonly request: LiveRequest
  private readonly settings: Settings
  private isStale = false

  constructor(request: LiveRequest, settings: Settings) {
    this.request = request
    this.settings = settings
  }

  /** Leaves this connection after the event that was just told, and begins anew on another. */
  restart(): void {
    this.isStale = true
  }

  /**
   * What comes; a slow reader makes the server wait. Throws at once what keeps it from beginning, later
   * `UnreachableError` when the server stayed silent for too long, and the signal's own reason when that is aborted.
   */
  async *events(): AsyncGenerator<LiveEvent, never> {
    const { notice, giveUpAfterMs, signal } = this.settings
    let hasBegun = false
    let isTold = false
    let failures = 0
    let silentSince = performance.now()
    for (;;) {
      let hasHeard = false
      let failure: unknown
      try {
        for await (const event of this.connected()) {
          if (isTold) notice('connected again')
          isTold = false
          hasHeard = true
          hasBegun = true
          yield event
        }
      } catch (error) {
        if (!isPassing(error) || !hasBegun) throw error
        failure = error
      }
      if (hasHeard) {
        failures = 0
        silentSince = performance.now()
      }
      const silentMs = performance.now() - silentSince
      if (silentMs >= giveUpAfterMs) throw tooLong(giveUpAfterMs, failure)
      if (failures > 0 && !isTold) {
        notice('connection lost, reconnecting…')
        isTold = true
      }
      await pause(Math.min(backOffMs(failures++), giveUpAfterMs - silentMs), signal)
    }
  }

  /** One connection, until it breaks. */
  private async *connected(): AsyncGenerator<LiveEvent> {
    const { find, signal, onRequest } = this.settings
    const connection = await LiveConnection.open(await find(), signal)
    try {
      this.isStale = false
      onRequest()
      connection.send(this.request)
      for await (const event of connection.events(signal)) {
        if (event.type === 'error') throw errorOf(event)
        yield event
        if (this.isStale) return
      }
    } finally {
      connection.close()
    }
  }
}

function errorOf({ code, message }: LiveEvent & { type: 'error' }): ApiError {
  return new ApiError(message, isErrorCode(code) ? ERROR_KINDS[code] : 'unavailable', { code })
}

function tooLong(giveUpAfterMs: number, cause: unknown): UnreachableError {
  const why = cause instanceof Error ? ` ${cause.message}` : ''
  return new UnreachableError(
    `The server has not answered for ${Math.round(giveUpAfterMs / 1000)} s, so watching was given up.${why}`,
    { cause },
  )
}
