import { RollcallError } from '@rollcall/contracts'
import type { HostReach } from '../hosts/index.ts'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { connectSsh } from '../platform/ssh/index.ts'
import { type PreflightReport } from './domain/preflight-report.ts'
import { inspectHost } from './host-inspection.ts'
import { toSshTarget } from './ssh-target.ts'

const REACH_TIMEOUT_MS = 40_000

export interface ReachProbe {
  /** The key that the host presented. */
  hostKey: string
  report: PreflightReport
}

/**
 * Signs in to a host, becomes root and inspects it without changing it. Without a pinned key, the presented one is
 * trusted. Throws `ssh.*`, `host.key_changed`, `host.no_sudo`, `host.sudo_password_wrong` or
 * `host.preflight_unreadable`.
 */
export async function probeReach(reach: HostReach, outgoing: OutgoingAddresses): Promise<ReachProbe> {
  const signal = AbortSignal.timeout(REACH_TIMEOUT_MS)
  try {
    return await signInAndInspect(reach, outgoing, signal)
  } catch (cause) {
    if (!signal.aborted || cause !== signal.reason) throw cause
    throw new RollcallError(
      'ssh.unreachable',
      `${reach.address} did not respond within ${REACH_TIMEOUT_MS / 1000} s. Check that it is up and not overloaded.`,
      { cause },
    )
  }
}

async function signInAndInspect(
  reach: HostReach,
  outgoing: OutgoingAddresses,
  signal: AbortSignal,
): Promise<ReachProbe> {
  const session = await connectSsh({
    ...toSshTarget(reach, outgoing),
    signal,
    onHostKey: async () => undefined,
  })
  try {
    const { report, rootRefusal } = await inspectHost(session, signal)
    if (rootRefusal) throw new RollcallError(rootRefusal.code, rootRefusal.message)
    return { hostKey: session.hostKey.fingerprint, report }
  } finally {
    await session.close()
  }
}
