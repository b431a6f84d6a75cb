import { UsageError } from '../errors.ts'

const GIVE_UP_SECONDS = 300

export const RECONNECT_HELP = `A lost connection or a restart of the server is waited out, for ${GIVE_UP_SECONDS} s without any answer
(ROLLCALL_RECONNECT_SECONDS), and the output goes on where it stopped.`

/** Milliseconds for which a server that does not answer is waited for. */
export function giveUpAfterMs(env: NodeJS.ProcessEnv): number {
  const seconds = Number(env.ROLLCALL_RECONNECT_SECONDS || GIVE_UP_SECONDS)
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000
  throw new UsageError('ROLLCALL_RECONNECT_SECONDS must be a number of seconds.')
}
