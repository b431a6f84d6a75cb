import { RollcallError } from '@rollcall/contracts'
import pRetry from 'p-retry'

/** The waits between the tries of one call, in milliseconds: three more tries, after 1, 2 and 4 seconds. */
export const RETRY_WAITS_MS = [1000, 2000, 4000] as const

/**
 * Tries a call up to four times, while it fails with `agent.unreachable`. Everything else is an answer and is not
 * asked for again: refused credentials, a changed identity, an overloaded agent, or what the agent said.
 */
export function callWithRetries<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return pRetry(call, {
    retries: RETRY_WAITS_MS.length,
    factor: 2,
    minTimeout: RETRY_WAITS_MS[0],
    randomize: false,
    shouldRetry: ({ error }) => error instanceof RollcallError && error.code === 'agent.unreachable',
    ...(signal && { signal }),
  })
}
