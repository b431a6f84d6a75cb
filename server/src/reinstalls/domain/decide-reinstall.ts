import { mayPass, RETRY_POLICIES, retryAt } from '@rollcall/contracts'
import type { SilentHost } from '../../heartbeats/index.ts'

/** Rounds, each with all its retries, that must have failed in a row. */
export const FAILED_ROUNDS = 3
/** While so many installations run in the whole fleet, no reinstallation is begun. */
export const MAX_INSTALLING = 8

/**
 * Returns whether SSH is to be tried, and if it works the agent installed again with the same identity. Pure. Only ever for an
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

/**
 * Returns when to try again: after 10, 20, 40 minutes and so on where the agent was installed `reinstalls` times before, and after 5
 * where SSH does not answer either, since then it is the host that is gone.
 */
export function nextReinstall(
  outcome: 'installing' | 'no_ssh',
  reinstalls: number,
  now: Date,
  random: number,
): Date {
  const policy = outcome === 'no_ssh' ? RETRY_POLICIES.reinstallProbe : RETRY_POLICIES.reinstall
  return retryAt(policy, reinstalls + 1, now, random)
}
