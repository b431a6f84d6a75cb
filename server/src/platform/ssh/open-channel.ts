import { setTimeout as sleep } from 'node:timers/promises'
import { RollcallError } from '@rollcall/contracts'
import { promisifyCall } from './promisify-call.ts'
import { describePlace, errorText, type SshPlace, toConnectionLostError } from './ssh-failure.ts'

/** sshd counts a session for a moment after it has ended; with `MaxSessions 1` it would refuse the next. */
const RETRY_AFTER_MS = [20, 50, 100, 200, 400, 800, 1600]

/**
 * Opens a channel with `open`, a callback-style call, and retries while the host refuses because it has too many.
 * Throws `ssh.no_session` if it keeps refusing, `ssh.connection_lost`, or the signal's reason.
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
      return await promisifyCall(signal, open)
    } catch (error) {
      signal.throwIfAborted()
      if (!isRefusal(error)) throw toConnectionLostError(place, what, error)
      if (delayMs === null || REFUSED_REQUEST.test(errorText(error)))
        throw toNoSessionError(place, what, error)
      await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    }
  }
  throw new RollcallError('server.defect', 'A channel was neither opened nor refused.')
}

const REFUSED_REQUEST = /^Unable to /

/** Tells a refusal by the host, which carries a numeric `reason`, from a lost connection. */
function isRefusal(error: unknown): boolean {
  const { reason } = error as { reason?: unknown }
  return typeof reason === 'number' || REFUSED_REQUEST.test(errorText(error))
}

function toNoSessionError(place: SshPlace, what: string, cause: unknown): RollcallError {
  const remedy = /pseudo-terminal/i.test(errorText(cause))
    ? 'Set PermitTTY to yes for this user in its sshd_config, and remove no-pty and restrict from its key in authorized_keys.'
    : 'Set MaxSessions to 1 or more for this user in its sshd_config, and check for a Match block that allows no sessions.'
  return new RollcallError(
    'ssh.no_session',
    `${describePlace(place)} accepted the sign-in of user ${place.user}, then refused a session for ${what} (${errorText(cause)}). ${remedy}`,
    { cause },
  )
}
