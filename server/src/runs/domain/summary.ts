import type { OutcomeGroup } from '@rollcall/contracts/admin'

/** An ended command whose output has yet to be compared. */
export interface Uncompared {
  id: string
  outputBytes: number
  droppedBytes: number
}

export interface StoredGroup extends Omit<OutcomeGroup, 'isComparedWhole' | 'sample' | 'isSampleWhole'> {
  /** False where the output was removed before anybody had compared it. */
  isCompared: boolean
}
