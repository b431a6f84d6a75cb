import type { InstanceState } from '@rollcall/contracts/admin'
import type { PlannedService, PlannedSlot } from './planned.ts'

/** A new row of an instance. */
export interface NewInstance {
  id: string
  slot: number
  generation: number
  host: { id: string; name: string } | null
  state: InstanceState
  reason: string | null
  /** It begins at once; otherwise when the one that it replaces is gone. */
  isAdmitted: boolean
  /** The instances of its slot that are still there, whose place it takes. */
  replaces: readonly string[]
}

/** An instance that does not count for its slot any more, and may still be on its host. */
export interface DepartingInstance {
  id: string
  slot: number
  generation: number
}

/** Another order for an instance that stays in its row. */
export interface Reorder {
  id: string
  generation: number
  /** For one that had none. */
  host: { id: string; name: string } | null
  state: InstanceState | null
  isAdmitted: boolean
}

/** The changes to the rows of one service. */
export interface InstanceChanges {
  created: readonly NewInstance[]
  reordered: readonly Reorder[]
  /** Instances that run on under the new revision, since what they run is the same. */
  kept: readonly string[]
  leaving: readonly string[]
}

/**
 * Decides which rows of instances are made and changed. Ids of new ones are chosen by the caller. A new instance waits until all that was of
 * its slot is gone, and its generation is higher: a slot never runs twice, even if it is wanted again while it leaves.
 */
export function toInstanceChanges(
  { slots, leaving }: Pick<PlannedService, 'slots' | 'leaving'>,
  departing: readonly DepartingInstance[],
  newId: () => string,
  reasonOf: (slot: PlannedSlot) => string | null,
): InstanceChanges {
  const notCounting = Map.groupBy([...departing, ...leaving], ({ slot }) => slot)
  const created: NewInstance[] = []
  const reordered: Reorder[] = []
  const kept: string[] = []
  for (const slot of slots) {
    const { instance, move, host } = slot
    const before = [...(notCounting.get(slot.slot) ?? []), ...(instance === null ? [] : [instance])]
    if (instance === null || move === 'move')
      created.push({
        id: newId(),
        slot: slot.slot,
        generation: Math.max(0, ...before.map(({ generation }) => generation)) + 1,
        host,
        state: host === null ? 'unplaced' : 'preparing',
        reason: reasonOf(slot),
        isAdmitted: before.length === 0,
        replaces: before.map(({ id }) => id),
      })
    else if (move === 'keep') kept.push(instance.id)
    else if (move === 'replace')
      reordered.push({
        id: instance.id,
        generation: instance.generation + 1,
        host: null,
        state: null,
        isAdmitted: false,
      })
    else if (move === 'create' && host !== null)
      reordered.push({
        id: instance.id,
        generation: instance.generation + 1,
        host,
        state: 'preparing',
        isAdmitted: !notCounting.has(slot.slot),
      })
    else if (move === 'create') kept.push(instance.id)
  }
  // What was to make room for one that leaves makes room for nothing, and leaves too.
  const withPredecessors = leaving.flatMap(({ slot }) => notCounting.get(slot) ?? [])
  return { created, reordered, kept, leaving: [...new Set(withPredecessors.map(({ id }) => id))] }
}
