import type { PlacementContext } from '../context.ts'

const POINTS_PER_SILENCE = 5
const MAX_PENALTY = 20
const WINDOW_MS = 24 * 3_600_000

/** Computes how many points each host loses for having fallen silent within a day. */
export function toFlapPenalty({ fleet, now }: PlacementContext): Uint8Array {
  return fleet.keep('flaps', () => {
    const penalties = new Uint8Array(fleet.size)
    const isRecent = (since: Date) => now.getTime() - since.getTime() <= WINDOW_MS
    for (const at of fleet.silenced) {
      const recent = fleet.host(at).silences.filter(isRecent).length
      penalties[at] = Math.min(MAX_PENALTY, recent * POINTS_PER_SILENCE)
    }
    return penalties
  })
}
