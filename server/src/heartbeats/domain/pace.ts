/**
 * What is later than this was missed, by a server that was down or a database that was away: it is made up for slowly.
 * Longer than from one look to the next, so that whoever is to be called at once is.
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
    const most = Math.max(1, ratePerS * BACKLOG_SHARE * SAVED_S)
    this.tokens = Math.min(most, this.tokens + elapsedS * ratePerS * BACKLOG_SHARE)
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
const most = (share: number) => share + Math.max(2, share * 0.05)

/** Whether it should take agents that nobody has: none is to wait for a server that may have one more than this. */
export const hasRoom = (owned: number, share: number): boolean => owned < most(share)

/** How many it should let go, so that servers which came later get their share. */
export const surplus = (owned: number, share: number): number => (owned > most(share) ? owned - share : 0)
