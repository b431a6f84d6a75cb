import type { HostReachChange } from '@rollcall/contracts/admin'
import type { HostReach } from '../../hosts/index.ts'

/** Applies a change to how a host is reached; fields left out are unchanged. */
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

/**
 * Returns the stored passwords that a change would send to another machine than they were set for: one with another
 * pinned key or, without a pin, another address. They must be set again, or host editors could capture passwords;
 * private keys are never sent and may stay.
 */
export function passwordsToSetAgain(
  known: HostReach,
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

/** Returns whether a change affects how a host is reached over SSH. */
export const changesReach = ({
  address,
  port,
  user,
  credential,
  sudoPassword,
  hostKey,
}: HostReachChange): boolean =>
  [address, port, user, credential, sudoPassword, hostKey].some((field) => field !== undefined)
