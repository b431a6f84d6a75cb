import { UsageError } from '../errors.ts'

const GIVE_UP_SECONDS = 300

export const RECONNECT_HELP = `If the connection is lost or the server restarts, it reconnects and continues where it stopped. It gives up after
${GIVE_UP_SECONDS} s without an answer (ROLLCALL_RECONNECT_SECONDS).`

/** Returns after how many milliseconds without an answer following is given up. */
export function giveUpAfterMs(env: NodeJS.ProcessEnv): number {
  const seconds = Number(env.ROLLCALL_RECONNECT_SECONDS || GIVE_UP_SECONDS)
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000
  throw new UsageError('ROLLCALL_RECONNECT_SECONDS must be a number of seconds.')
}
