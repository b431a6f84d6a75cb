/** Maps a source with at most `maxConcurrent` calls of `work` in flight, and yields the results in order. */
export async function* mapInOrder<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  maxConcurrent: number,
  work: (one: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = []
  for await (const one of source) {
    const working = work(one)
    working.catch(() => undefined) // thrown where it is awaited
    begun.push(working)
    if (begun.length >= maxConcurrent) yield (await begun.shift()) as R
  }
  for (const working of begun) yield await working
}
