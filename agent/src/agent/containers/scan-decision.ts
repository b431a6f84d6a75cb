import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'

/** Minimum time between two scans of the host's containers, in milliseconds. */
const MIN_INTERVAL_MS = 20_000
/** Scans take at most this share of the time, so that a slow engine is not slowed down further. */
const MAX_SHARE = 0.01
/** Longest interval for a slow engine. */
const MAX_INTERVAL_MS = 300_000
/** How often an engine without containers is scanned although nothing has changed. */
const UNCHANGED_INTERVAL_MS = 3_600_000

export interface ScanView {
  /** An engine is in use on the host. */
  hasEngine: boolean
  /** A different value means that a container may have been created. */
  signature: string
  /** The latest request to the runner; null when this agent has made none. */
  requested: { atMs: number; signature: string } | null
  /** How many of the latest requests in a row had no answer, the latest one included. */
  unanswered: number
  /** The latest report: how long the engines took, and whether all of them answered and had no container. */
  report: { tookMs: number; isEmpty: boolean } | null
}

/**
 * Decides whether the runner must scan the containers. Evaluated at each `get_status` only, so a host that no server calls is
 * never scanned, nor is one whose engines are empty, until a container is created.
 */
export function isScanDue(view: ScanView, nowMs: number): boolean {
  if (!view.hasEngine) return false
  if (view.requested === null) return true
  const since = nowMs - view.requested.atMs
  if (view.unanswered > 0) return since >= retryDelayMs(RETRY_POLICIES.containerScan, view.unanswered, 1)
  const took = view.report?.tookMs ?? 0
  if (since < Math.min(Math.max(MIN_INTERVAL_MS, took / MAX_SHARE), MAX_INTERVAL_MS)) return false
  if (view.report?.isEmpty && view.signature === view.requested.signature)
    return since >= UNCHANGED_INTERVAL_MS
  return true
}
