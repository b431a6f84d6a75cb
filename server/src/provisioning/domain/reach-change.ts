import type { HostReachChange, SshCredential } from '@rollcall/contracts/admin'

/** How a host is reached over SSH, its secrets in the clear. */
export interface Reach {
  address: string
  port: number
  user: string
  /** The pinned fingerprint; null until the first connection. */
  hostKey: string | null
  credential: { ssh: SshCredential; sudoPassword?: string | undefined }
}

/** How a host is reached once `change` holds: what is left out stays. */
export function mergeReach(known: Reach, change: HostReachChange): Reach {
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
