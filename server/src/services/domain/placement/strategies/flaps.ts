import type { PlacementContext } from '../context.ts'

const POINTS_PER_SILENCE = 5
const MAX_PENALTY = 20
const WINDOW_MS = 24 * 3_600_000

/** Computes how many points each host loses for having fallen silent within a day. */
export function toFlapPenalty({ fleet, now }: PlacementContext): Uint8Array {
  return fleet.keep('flaps', () =>
    Uint8Array.from(fleet.hosts, ({ silences }) => {
      const recent = silences.filter((since) => now.getTime() - since.getTime() <= WINDOW_MS).length
      return Math.min(MAX_PENALTY, recent * POINTS_PER_SILENCE)
    }),
  )
}
