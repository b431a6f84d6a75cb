/** Returns `work` with its results cached by key. Concurrent callers share one attempt; a failed one is repeated by the next call. */
export function memoizeAsync<Arguments extends [] | [key: string], Value>(
  work: (...args: Arguments) => Promise<Value>,
): (...args: Arguments) => Promise<Value> {
  const attempts = new Map<string | undefined, Promise<Value>>()
  return (...args) => {
    const [key] = args
    const known = attempts.get(key)
    if (known) return known
    const attempt = work(...args)
    attempts.set(key, attempt)
    attempt.catch(() => attempts.delete(key))
    return attempt
  }
}
