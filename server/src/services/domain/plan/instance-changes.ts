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
  /** The instance on another host whose place it takes. */
  replaces: string | null
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

/** Decides which rows of instances are made and changed. Ids of new ones are chosen by the caller. */
export function toInstanceChanges(
  { slots, leaving }: Pick<PlannedService, 'slots' | 'leaving'>,
  newId: () => string,
  reasonOf: (slot: PlannedSlot) => string | null,
): InstanceChanges {
  const created: NewInstance[] = []
  const reordered: Reorder[] = []
  const kept: string[] = []
  for (const slot of slots) {
    const { instance, move, host } = slot
    if (instance === null || move === 'move')
      created.push({
        id: newId(),
        slot: slot.slot,
        generation: (instance?.generation ?? 0) + 1,
        host,
        state: host === null ? 'unplaced' : 'preparing',
        reason: reasonOf(slot),
        isAdmitted: instance === null,
        replaces: instance?.id ?? null,
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
        isAdmitted: true,
      })
    else if (move === 'create') kept.push(instance.id)
  }
  return { created, reordered, kept, leaving: leaving.map(({ id }) => id) }
}
