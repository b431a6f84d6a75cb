/** How the agents are shared out among the servers. */
export interface Membership {
  /** Live servers, this one among them. */
  servers: number
  /** Agents on the roll, and how many of them this server holds. */
  total: number
  owned: number
  /** Calls a second that the owned ones need in the steady state, and that a fair share of all would need. */
  ratePerS: number
  shareRatePerS: number
}

/**
 * A call that is later than this was missed, since a server was down or the database was away: it is made up for slowly.
 * Longer than from one tick to the next, so that an agent that is to be called at once is.
 */
export const BACKLOG_AFTER_MS = 750

/**
 * Share of the steady rate at which missed calls are made up for, beside those that are due now: together they stay
 * below twice the steady rate, and a whole fleet that was missed is called within 1 / 0.7 of its mean interval, which is
 * 57 s of one between 20 and 60 s.
 */
const BACKLOG_SHARE = 0.7
/** So much time's worth is saved up at most, so that a pause is not followed by a burst. */
const SAVED_S = 0.8

/** A token bucket for missed calls. */
export class BacklogPace {
  private tokens = 1
  private lastMs: number | undefined

  /** How many missed calls may begin now, at `ratePerS` calls a second in the steady state. */
  allowance(nowMs: number, ratePerS: number): number {
    const elapsedS = Math.max(0, nowMs - (this.lastMs ?? nowMs)) / 1000
    this.lastMs = nowMs
    const max = Math.max(1, ratePerS * BACKLOG_SHARE * SAVED_S)
    this.tokens = Math.min(max, this.tokens + elapsedS * ratePerS * BACKLOG_SHARE)
    return Math.max(0, Math.floor(this.tokens))
  }

  /** Also for calls that begin late without having been held back: the missed ones wait so much longer. */
  spend(count: number): void {
    this.tokens -= count
  }
}

/** How many agents a server should own of `total` while `servers` live. */
export const fairShare = (total: number, servers: number): number => Math.ceil(total / Math.max(1, servers))

/** Small differences are left alone. */
const maxOwned = (share: number) => share + Math.max(2, share * 0.05)

/** Returns whether a server should acquire agents that no live server holds. */
export const hasRoom = (owned: number, share: number): boolean => owned < maxOwned(share)

/** Returns how many agents a server should release, so that one that came later gets its share. */
export const surplus = (owned: number, share: number): number => (owned > maxOwned(share) ? owned - share : 0)
