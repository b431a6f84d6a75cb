import type { HostReachChange } from '@rollcall/contracts/admin'
import type { HostReach } from '../../hosts/index.ts'

/** How a host is reached once `change` holds: what is left out stays. */
export function mergeReach(known: HostReach, change: HostReachChange): HostReach {
  const { ssh, sudoPassword } = known.credential
  return {
    address: change.address ?? known.address,
    port: change.port ?? known.port,
    user: change.user ?? known.user,
    hostKey: change.hostKey ?? known.hostKey,
    credential: {
      ssh: change.credential ?? ssh,
      sudoPassword: change.sudoPassword === undefined ? sudoPassword : (change.sudoPassword ?? undefined),
    },
  }
}

/** Whether a change says anything of how a host is reached over SSH. */
export const isReachNamed = ({
  address,
  port,
  user,
  credential,
  sudoPassword,
  hostKey,
}: HostReachChange): boolean =>
  [address, port, user, credential, sudoPassword, hostKey].some((field) => field !== undefined)
