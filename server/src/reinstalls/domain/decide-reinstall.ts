import { mayPass } from '@rollcall/contracts'
import type { HostState } from '@rollcall/contracts/admin'

/** Rounds, each with all its retries, that must have failed in a row. */
export const FAILED_ROUNDS = 3
/** While so many installations run in the whole fleet, none is begun by itself. */
export const MAX_INSTALLING = 8
const FIRST_PAUSE_MS = 10 * 60_000
const MAX_PAUSE_MS = 86_400_000
/** How long to wait where SSH does not answer either: then it is the host that is gone, and not the agent. */
const NO_SSH_PAUSE_MS = 5 * 60_000

export interface SilentHost {
  state: HostState
  stateCode: string | null
  /** What a person has chosen for this host. */
  isAllowed: boolean
  failedRounds: number
  /** Not before then; null when it was not tried since the agent last answered for long. */
  notBefore: Date | null
  /** Times that it was installed again by itself of late. */
  reinstalls: number
}

/**
 * Whether SSH is to be tried, and if it works the agent installed again with the same identity. Pure. Only ever for an
 * agent that does not answer at all: refused credentials and a changed identity are answers, and need a person. An installation that failed
 * for want of a connection may work later; one that was refused would be refused again.
 */
export function isToBeReinstalled(host: SilentHost, now: Date): boolean {
  return (
    host.isAllowed &&
    host.failedRounds >= FAILED_ROUNDS &&
    (host.state === 'offline' || (host.state === 'install_failed' && mayPass({ code: host.stateCode }))) &&
    (host.notBefore === null || now >= host.notBefore)
  )
}

/** When it may be tried again after an attempt: 10, 20, 40 minutes and so on where it was installed. */
export function nextReinstall(outcome: 'installing' | 'no_ssh', reinstalls: number, now: Date): Date {
  const pauseMs =
    outcome === 'no_ssh'
      ? NO_SSH_PAUSE_MS
      : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(reinstalls, 20))
  return new Date(now.getTime() + pauseMs)
}
