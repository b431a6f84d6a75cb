import { ERRORS, isErrorCode, mayPass } from '@rollcall/contracts'
import type { LiveEvent } from '@rollcall/contracts/admin'
import type { ServerAddress } from '../api/find-server.ts'
import { backOffMs, pause } from '../api/retry.ts'
import { ApiError, isPassing, UnreachableError } from '../errors.ts'
import { LiveConnection } from './live-connection.ts'

export interface AttendSettings {
  find(): Promise<ServerAddress>
  notice(text: string): void
  /** Milliseconds without any answer after which following is given up. */
  giveUpAfterMs: number
  signal: AbortSignal
}

/** What is followed, and how far it has come: it outlives the connections over which it is followed. */
export interface Attended {
  readonly isDone: boolean
  /** Asks a fresh connection for all that is still wanted. */
  ask(connection: LiveConnection): void
  /** False when this connection is of no more use. Throws what will not pass. */
  take(event: LiveEvent, connection: LiveConnection): boolean | Promise<boolean>
}

/**
 * Follows through lost connections and restarts of the server until it is done. Throws `UnreachableError` when the
 * server stayed silent for too long.
 */
export async function attend(attended: Attended, settings: AttendSettings): Promise<void> {
  const { notice, giveUpAfterMs, signal } = settings
  let silentSince = performance.now()
  let failures = 0
  let isTold = false
  while (!attended.isDone) {
    let hasHeard = false
    const failure = await attendOnce(attended, settings, () => {
      hasHeard = true
      if (isTold) notice('connected again')
      isTold = false
    })
    if (attended.isDone) return
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

/** One connection, until it breaks or nothing is left to follow. Returns what broke it. */
async function attendOnce(
  attended: Attended,
  settings: AttendSettings,
  onNews: () => void,
): Promise<unknown> {
  const { find, signal } = settings
  let connection: LiveConnection | undefined
  try {
    connection = await LiveConnection.open(await find(), signal)
    attended.ask(connection)
    for await (const event of connection.events(signal)) {
      if (!(await attended.take(event, connection))) return undefined
      onNews()
      if (attended.isDone) return undefined
    }
    return undefined
  } catch (error) {
    if (!isPassing(error)) throw error
    return error
  } finally {
    connection?.close()
  }
}

/** What an error event means: `undefined` where it may pass. */
export function refusalIn({ code, message }: LiveEvent & { type: 'error' }): ApiError | undefined {
  const kind = isErrorCode(code) ? ERRORS[code].kind : 'unavailable'
  return mayPass({ code, kind }) ? undefined : new ApiError(message, kind, { code })
}

function tooLong(giveUpAfterMs: number, cause: unknown): UnreachableError {
  const seconds = Math.round(giveUpAfterMs / 1000)
  const why = cause instanceof Error ? ` ${cause.message}` : ''
  return new UnreachableError(
    `The server has not answered for ${seconds} s, so following was given up.${why}`,
    {
      cause,
    },
  )
}
