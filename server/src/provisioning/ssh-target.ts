import { RollcallError } from '@rollcall/contracts'
import type { HostReach } from '../hosts/index.ts'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import type { SshTarget } from '../platform/ssh/index.ts'

export function toSshTarget(
  { credential, hostKey, ...place }: HostReach,
  outgoing: OutgoingAddresses,
): SshTarget {
  const { ssh, sudoPassword } = credential
  return { ...place, credential: ssh, sudoPassword, pinnedHostKey: hostKey, outgoing }
}

/** Refuses a host that nobody has pinned a key for: the handler of its key where a pin is expected. */
export async function refuseUnpinned(): Promise<never> {
  throw new RollcallError(
    'host.key_changed',
    'No SSH host key is pinned, so no credentials are sent to the host.',
  )
}
