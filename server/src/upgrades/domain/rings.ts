import type { RingPlan } from '@rollcall/contracts/admin'

/** The ring of each of `total` hosts, in order: the canary first, then batches. Pure. Rings are counted from 0. */
export function ringsOf(total: number, { canary, batch }: Pick<RingPlan, 'canary' | 'batch'>): number[] {
  const first = Math.min(canary, total)
  const size = batchSize(batch, total)
  const offset = first > 0 ? 1 : 0
  return Array.from({ length: total }, (_, position) =>
    position < first ? 0 : Math.floor((position - first) / size) + offset,
  )
}

/** A share is rounded down, and a batch has at least one host. */
function batchSize(batch: RingPlan['batch'], total: number): number {
  if (typeof batch === 'number') return batch
  return Math.max(1, Math.floor((total * Number.parseInt(batch, 10)) / 100))
}
