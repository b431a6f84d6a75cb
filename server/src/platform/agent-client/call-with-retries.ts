import { RETRY_POLICIES, RollcallError } from '@rollcall/contracts'
import pRetry from 'p-retry'
import { pRetryOptions } from '../clock/p-retry-options.ts'

/**
 * Tries a call up to four times, while it fails with `agent.unreachable`. Everything else is an answer and is not
 * asked for again: refused credentials, a changed identity, an overloaded agent, or what the agent said.
 *
 * When one try may have had its effect, so may the call as a whole: its error then has the outcome `unknown`, whatever
 * the last try said.
 */
export async function callWithRetries<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let mayHaveApplied = false
  try {
    return await pRetry(call, {
      ...pRetryOptions(RETRY_POLICIES.rpc),
      shouldRetry: ({ error }) => {
        mayHaveApplied ||= error instanceof RollcallError && error.outcome === 'unknown'
        return error instanceof RollcallError && error.code === 'agent.unreachable'
      },
      ...(signal && { signal }),
    })
  } catch (error) {
    if (!mayHaveApplied || !(error instanceof RollcallError) || error.outcome === 'unknown') throw error
    throw new RollcallError(error.code, error.message, {
      outcome: 'unknown',
      fields: error.fields,
      cause: error,
    })
  }
}
