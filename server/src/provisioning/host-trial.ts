import { RollcallError } from '@rollcall/contracts'
import type { HostReach } from '../hosts/index.ts'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { connectSsh } from '../platform/ssh/index.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { lookAtHost } from './host-look.ts'

const TRIAL_TIMEOUT_MS = 40_000

export interface HostTrial {
  /** The key that the host showed. */
  hostKey: string
  report: PreflightReport
}

/**
 * Signs in to a host as `reach` says, becomes root and looks at it. Nothing is changed there. Where no key is pinned, the one that is shown
 * is trusted.
 * @throws `ssh.*`, `host.key_changed`, `host.no_sudo`, `host.sudo_password_wrong`, `host.preflight_unreadable`.
 */
export async function tryReach(reach: HostReach, outgoing: OutgoingAddresses): Promise<HostTrial> {
  const signal = AbortSignal.timeout(TRIAL_TIMEOUT_MS)
  try {
    return await signInAndLook(reach, outgoing, signal)
  } catch (cause) {
    if (!signal.aborted || cause !== signal.reason) throw cause
    throw new RollcallError(
      'ssh.unreachable',
      `${reach.address} did not answer within ${TRIAL_TIMEOUT_MS / 1000} s. Check that it is up and not overloaded.`,
      { cause },
    )
  }
}

async function signInAndLook(
  { credential, hostKey, ...place }: HostReach,
  outgoing: OutgoingAddresses,
  signal: AbortSignal,
): Promise<HostTrial> {
  const session = await connectSsh({
    ...place,
    outgoing,
    credential: credential.ssh,
    sudoPassword: credential.sudoPassword,
    pinnedHostKey: hostKey,
    signal,
    onHostKey: async () => undefined,
  })
  try {
    const { report, rootRefusal } = await lookAtHost(session, signal)
    if (rootRefusal) throw new RollcallError(rootRefusal.code, rootRefusal.message)
    return { hostKey: session.hostKey.fingerprint, report }
  } finally {
    await session.close()
  }
}
