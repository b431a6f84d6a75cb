import type { RetryPolicy } from '@rollcall/contracts'

/** Returns a policy of `RETRY_POLICIES` as the options of p-retry, for a promise that is retried while its caller waits. */
export const pRetryOptions = (policy: RetryPolicy) => ({
  retries: policy.maxRetries,
  factor: policy.factor,
  minTimeout: policy.firstMs,
  maxTimeout: policy.maxMs,
  randomize: policy.jitter > 0,
  maxRetryTime: policy.giveUpAfterMs,
})
