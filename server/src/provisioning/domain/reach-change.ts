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

/**
 * Names the stored passwords that a change would have sent to whoever answers there now: they were given for the machine that has the pinned
 * key, or for the address where none was seen yet. Whoever changes that must know them, or a right to change hosts were one to read their
 * passwords. A private key is never sent, and may stay.
 */
export function passwordsToGiveAgain(
  known: Reach,
  change: HostReachChange,
): ('credential' | 'sudoPassword')[] {
  const next = mergeReach(known, change)
  const isElsewhere = next.address !== known.address || next.port !== known.port
  const isOtherMachine = known.hostKey === null ? isElsewhere : next.hostKey !== known.hostKey
  if (!isOtherMachine) return []
  const { ssh, sudoPassword } = known.credential
  return [
    ...(ssh.password !== undefined && change.credential === undefined ? (['credential'] as const) : []),
    ...(sudoPassword !== undefined && change.sudoPassword === undefined ? (['sudoPassword'] as const) : []),
  ]
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
