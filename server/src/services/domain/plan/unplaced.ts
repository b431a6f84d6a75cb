import { toReason } from '../placement/reason.ts'
import type { PlacedInstance } from '../service.ts'
import type { PlannedService, PlannedSlot } from './planned.ts'

const MAX_REASON_LENGTH = 4000

type UnplacedSlot = PlannedSlot & { instance: PlacedInstance }

/** Picks the slots whose instances have no host so far: those that a plan has placed, and those that no host fits still. */
export function toUnplaced({ slots }: Pick<PlannedService, 'slots'>): {
  placed: UnplacedSlot[]
  left: UnplacedSlot[]
} {
  const unplaced = slots.filter(
    (slot): slot is UnplacedSlot =>
      slot.move === 'create' && slot.instance?.host === null && slot.instance.wanted === 'running',
  )
  return {
    placed: unplaced.filter(({ host }) => host !== null),
    left: unplaced.filter(({ host }) => host === null),
  }
}

/** Says why an instance has no host; null for one that has. */
export const toSlotReason = ({
  host,
  explanation,
}: Pick<PlannedSlot, 'host' | 'explanation'>): string | null =>
  host === null && explanation !== null ? toReason(explanation).slice(0, MAX_REASON_LENGTH) : null
