import { setTimeout as sleep } from 'node:timers/promises'
import { RollcallError } from '@rollcall/contracts'
import { connectionLost, describePlace, errorText, type SshPlace } from './ssh-failure.ts'

/** A session that has ended is counted by sshd a moment longer than it shows: `MaxSessions 1` would refuse the next. */
const RETRY_AFTER_MS = [20, 50, 100, 200, 400, 800, 1600]

/**
 * Opens a channel by `open`, a callback-style call, and tries again while the host says that it has too many.
 * @throws `ssh.no_session` when the host goes on refusing, `ssh.connection_lost`, or the signal's reason.
 */
export async function openChannel<T>(
  place: SshPlace,
  what: string,
  signal: AbortSignal,
  open: (done: (error: Error | null | undefined, channel: T) => void) => void,
): Promise<T> {
  for (const delayMs of [...RETRY_AFTER_MS, null]) {
    signal.throwIfAborted()
    try {
      return await once(signal, open)
    } catch (error) {
      signal.throwIfAborted()
      if (!isRefusal(error)) throw connectionLost(place, what, error)
      if (delayMs === null || REFUSED_REQUEST.test(errorText(error))) throw noSession(place, what, error)
      await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    }
  }
  throw new RollcallError('server.defect', 'A channel was neither opened nor refused.')
}

function once<T>(
  signal: AbortSignal,
  open: (done: (error: Error | null | undefined, channel: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = (work: () => void) => {
      signal.removeEventListener('abort', onAbort)
      work()
    }
    try {
      open((error, channel) => settle(() => (error ? reject(error) : resolve(channel))))
    } catch (error) {
      settle(() => reject(error)) // ssh2 throws where the connection is gone.
    }
  })
}

const REFUSED_REQUEST = /^Unable to /

/** The host answered, and would not: `reason` is the number that it gave. Without one the connection went away. */
function isRefusal(error: unknown): boolean {
  const { reason } = error as { reason?: unknown }
  return typeof reason === 'number' || REFUSED_REQUEST.test(errorText(error))
}

function noSession(place: SshPlace, what: string, cause: unknown): RollcallError {
  const remedy = /pseudo-terminal/i.test(errorText(cause))
    ? 'Set PermitTTY to yes for this user in its sshd_config, and take no-pty and restrict off its key in authorized_keys.'
    : 'Set MaxSessions to 1 or more for this user in its sshd_config, and look there for a Match block that allows no sessions.'
  return new RollcallError(
    'ssh.no_session',
    `${describePlace(place)} signed user ${place.user} in and then refused a session for ${what} (${errorText(cause)}). ${remedy}`,
    { cause },
  )
}
