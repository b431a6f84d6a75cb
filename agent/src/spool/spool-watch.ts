import { watch } from 'node:fs'

/**
 * Waits until `read` returns a value: calls it at once, and after each change of a file in `folder` that `isRelevant` accepts (inotify).
 * Returns null after `waitMs`, or when the signal aborts, unless a last call of `read` has a value.
 */
export async function waitForChange<T>(
  folder: string,
  waitMs: number,
  signal: AbortSignal,
  isRelevant: (name: string) => boolean,
  read: () => T | null,
): Promise<T | null> {
  // A busy command mostly has a value already, and a watch costs far more than a read.
  const known = read()
  if (known !== null || waitMs === 0 || signal.aborted) return known
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let next: NodeJS.Immediate | undefined
    const watcher = watch(folder, { persistent: false })
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      clearImmediate(next)
      signal.removeEventListener('abort', readLast)
      watcher.close()
      settle()
    }
    const probe = () => {
      try {
        const value = read()
        if (value !== null) finish(() => resolve(value))
      } catch (error) {
        finish(() => reject(error))
      }
    }
    const readLast = () => {
      finish(() => {
        try {
          resolve(read())
        } catch (error) {
          reject(error)
        }
      })
    }
    // One write causes several events, which are handled by one probe.
    const probeSoon = () => {
      next ??= setImmediate(() => {
        next = undefined
        probe()
      })
    }
    watcher.on('change', (_kind, name) => {
      if (typeof name !== 'string' || isRelevant(name)) probeSoon()
    })
    watcher.on('error', readLast)
    signal.addEventListener('abort', readLast, { once: true })
    timer = setTimeout(readLast, waitMs)
    // Covers a change between the first read and the start of the watch.
    probe()
  })
}
