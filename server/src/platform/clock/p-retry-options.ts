import type { RetryPolicy } from '@rollcall/contracts'

/** Returns a policy of `RETRY_POLICIES` as the options of p-retry, for a promise that is retried while its caller waits. */
export const pRetryOptions = ({
  firstMs,
  factor,
  maxMs,
  jitter,
  maxRetries,
  giveUpAfterMs,
}: RetryPolicy) => ({
  retries: maxRetries,
  factor,
  minTimeout: firstMs,
  maxTimeout: maxMs,
  randomize: jitter > 0,
  maxRetryTime: giveUpAfterMs,
})
