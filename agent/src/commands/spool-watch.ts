import { watch } from 'node:fs'

/**
 * Calls `read` at once and again after changes of files in `folder` whose name `isNews` takes, until it returns something, `waitMs` have passed or the
 * signal aborts. Woken by the kernel (inotify), so news arrives in a fraction of a millisecond and waiting costs nothing.
 * Answers with the last value read, null when there was no news.
 */
export async function waitForNews<T>(
  folder: string,
  waitMs: number,
  signal: AbortSignal,
  isNews: (name: string) => boolean,
  read: () => T | null,
): Promise<T | null> {
  // Whoever is busy mostly has news already, and a watch costs far more than a look.
  const known = read()
  if (known !== null || waitMs === 0 || signal.aborted) return known
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let next: NodeJS.Immediate | undefined
    const watcher = watch(folder, { persistent: false })
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      clearImmediate(next)
      signal.removeEventListener('abort', lookOnce)
      watcher.close()
      settle()
    }
    const look = () => {
      try {
        const value = read()
        if (value !== null) finish(() => resolve(value))
      } catch (error) {
        finish(() => reject(error))
      }
    }
    const lookOnce = () => {
      finish(() => {
        try {
          resolve(read())
        } catch (error) {
          reject(error)
        }
      })
    }
    // One write is several changes for the kernel: they are read together and looked at once.
    const lookSoon = () => {
      next ??= setImmediate(() => {
        next = undefined
        look()
      })
    }
    watcher.on('change', (_kind, name) => {
      if (typeof name !== 'string' || isNews(name)) lookSoon()
    })
    watcher.on('error', lookOnce)
    signal.addEventListener('abort', lookOnce, { once: true })
    timer = setTimeout(lookOnce, waitMs)
    // After the watch is set, or a change between a look and the watch would be missed.
    look()
  })
}
