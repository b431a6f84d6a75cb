import { setTimeout as delay } from 'node:timers/promises'
import type { ServerProcess } from '../fleet/server-process.ts'

const MAX_WAIT_MS = 120_000
const PAUSE_MS = 100

/** Ends the server, or its database under it, as a loss of power would. False when the victim was already down. */
export async function strike(victim: 'server' | 'database', server: ServerProcess): Promise<boolean> {
  if (victim === 'server') {
    await server.restart('SIGKILL')
    return true
  }
  try {
    process.kill(await server.postgresPid(), 'SIGKILL')
    return true
  } catch (error) {
    if (['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

/** Adds up the kills of all kinds of victims. */
export const totalOf = (kills: Readonly<Record<string, number>>): number =>
  Object.values(kills).reduce((sum, count) => sum + count, 0)

/** Asks again, with the same words, what was not answered: the server was killed, or its database. */
export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + MAX_WAIT_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await delay(PAUSE_MS)
    }
  }
}
