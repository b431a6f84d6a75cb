import { isErrorCode, RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { ApiError, isTransient, UnreachableError } from '@rollcall/contracts/client'
import type { ServerAddress } from '../api/find-server.ts'
import { pause } from '../api/retry.ts'
import { LiveConnection } from './live-connection.ts'

export interface FollowSettings {
  find(): Promise<ServerAddress>
  notice(text: string): void
  /** Milliseconds without any answer after which following is given up. */
  giveUpAfterMs: number
  signal: AbortSignal
}

/** Something that is followed, and how far. It outlives the connections. */
export interface Subscription {
  readonly isDone: boolean
  /** Asks a new connection for all that is still wanted. */
  request(connection: LiveConnection): void
  /** Returns false to ask for a new connection. Throws errors that will not pass. */
  take(event: LiveEvent, connection: LiveConnection): boolean | Promise<boolean>
}

/** Follows through lost connections and restarts of the server until it is done. Throws `UnreachableError` after too long a silence. */
export async function followWithReconnect(
  subscription: Subscription,
  settings: FollowSettings,
): Promise<void> {
  const { notice, giveUpAfterMs, signal } = settings
  let silentSince = performance.now()
  let failures = 0
  let isLossReported = false
  while (!subscription.isDone) {
    let hasHeard = false
    const failure = await followOnce(subscription, settings, () => {
      hasHeard = true
      if (isLossReported) notice('connected again')
      isLossReported = false
    })
    if (subscription.isDone) return
    if (hasHeard) {
      failures = 0
      silentSince = performance.now()
    }
    const silentMs = performance.now() - silentSince
    if (silentMs >= giveUpAfterMs) throw toGaveUpError(giveUpAfterMs, failure)
    if (failures > 0 && !isLossReported) {
      notice('connection lost, reconnecting…')
      isLossReported = true
    }
    const delayMs = retryDelayMs(RETRY_POLICIES.cli, ++failures, Math.random())
    await pause(Math.min(delayMs, giveUpAfterMs - silentMs), signal)
  }
}

/** Follows one topic until `take` returns its result. Throws as `followWithReconnect` does, and `ApiError` if the server refuses. */
export async function followTopic<Result>(
  request: LiveRequest,
  take: (event: LiveEvent) => Result | undefined,
  settings: FollowSettings,
): Promise<Result> {
  let result: Result | undefined
  const subscription: Subscription = {
    get isDone() {
      return result !== undefined
    },
    request: (connection) => connection.send(request),
    take(event) {
      if (event.type === 'error') return throwIfRefused(event)
      result = take(event)
      return true
    },
  }
  await followWithReconnect(subscription, settings)
  return result as Result
}

/** Throws `ApiError` for an error that will not pass. Returns false otherwise, which asks for a new connection. */
export function throwIfRefused(event: LiveEvent & { type: 'error' }): false {
  const error = toApiError(event)
  if (isTransient(error)) return false
  throw error
}

/** Returns the error that an event reports. An unknown code is taken for one that may pass. */
export const toApiError = ({ code, message }: LiveEvent & { type: 'error' }): ApiError =>
  new ApiError(message, isErrorCode(code) ? { code } : { code, kind: 'unavailable' })

/** Follows over one connection until it breaks or all is done. Returns what broke it. */
async function followOnce(
  subscription: Subscription,
  { find, signal }: FollowSettings,
  onNews: () => void,
): Promise<unknown> {
  let connection: LiveConnection | undefined
  try {
    connection = await LiveConnection.open(await find(), signal)
    subscription.request(connection)
    for await (const event of connection.events(signal)) {
      if (!(await subscription.take(event, connection))) return undefined
      onNews()
      if (subscription.isDone) return undefined
    }
    return undefined
  } catch (error) {
    if (!isTransient(error)) throw error
    return error
  } finally {
    connection?.close()
  }
}

function toGaveUpError(giveUpAfterMs: number, cause: unknown): UnreachableError {
  const seconds = Math.round(giveUpAfterMs / 1000)
  const why = cause instanceof Error ? ` ${cause.message}` : ''
  return new UnreachableError(`Gave up following: no answer from the server for ${seconds} s.${why}`, {
    cause,
  })
}
