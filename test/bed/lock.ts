import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { execa } from 'execa'

/**
 * Runs `work` while this process alone, of all on the machine, holds the lock on `file`.
 * Waits for as long as another holds it. The lock is the kernel's (flock(2)), held by a child that ends
 * when we do, so a killed holder can leave no stale lock behind.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  // `cat` answers our byte only once flock has the lock; it ends when its standard input closes.
  const holder = execa('flock', ['--exclusive', file, 'cat'], {
    buffer: false,
    reject: false,
    detached: true,
  })
  const ended = holder.then((result) => {
    throw new Error(
      `could not lock ${file}: ${result.failed ? result.shortMessage : 'the holder ended early'}`,
    )
  })
  ended.catch(() => undefined) // Only of interest until the lock is held; it always settles after the release.
  holder.stdin.write('\n')
  await Promise.race([once(holder.stdout, 'data'), ended])
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await holder
  }
}
