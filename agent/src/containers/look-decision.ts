/** At least this long between two looks at the host's containers, in milliseconds. */
const PAUSE_MS = 20_000
/** Looks take at most this share of the time, so that a slow engine is not made slower. */
const MAX_SHARE = 0.01
/** The longest pause that a slow engine, or a runner that does not answer, gets. */
const MAX_PAUSE_MS = 300_000
/** How often an engine without a container is asked although nothing has changed. */
const UNCHANGED_MS = 3_600_000

export interface LookView {
  /** An engine is in use on the host. */
  hasEngine: boolean
  /** Another one means that a container may have been made. */
  signature: string
  /** The latest request to the runner; null when this agent has made none. */
  asked: { atMs: number; signature: string } | null
  /** How many of the latest requests in a row had no answer, the latest one included. */
  unanswered: number
  /** The latest answer: how long the engines took, and whether all of them answered and had no container at all. */
  answer: { tookMs: number; isEmpty: boolean } | null
}

/**
 * Whether the runner is to look at the host's containers. Asked for at each `get_status` and by nothing else: a host that no
 * server asks about is left alone, and so is one whose engines have no container, until one is made.
 */
export function isLookDue(view: LookView, nowMs: number): boolean {
  if (!view.hasEngine) return false
  if (view.asked === null) return true
  const since = nowMs - view.asked.atMs
  if (view.unanswered > 0) return since >= Math.min(PAUSE_MS * 2 ** (view.unanswered - 1), MAX_PAUSE_MS)
  const took = view.answer?.tookMs ?? 0
  if (since < Math.min(Math.max(PAUSE_MS, took / MAX_SHARE), MAX_PAUSE_MS)) return false
  if (view.answer?.isEmpty && view.signature === view.asked.signature) return since >= UNCHANGED_MS
  return true
}
