/** Conflicts with the rest of the fleet that a user accepts for a machine. */
export interface AcceptedConflicts {
  /** Accepts that the machine is, or is a clone of, another host's. */
  duplicate: boolean
  /** Replaces an agent of another host or server. */
  takeOver: boolean
}

export const NO_CONFLICTS: AcceptedConflicts = { duplicate: false, takeOver: false }

const DUPLICATE = '--allow-duplicate'
const TAKE_OVER = '--take-over'

/** Encodes them as arguments of the installing command, which another server may continue. */
export const toArgs = ({ duplicate, takeOver }: AcceptedConflicts): string[] => [
  ...(duplicate ? [DUPLICATE] : []),
  ...(takeOver ? [TAKE_OVER] : []),
]

export const parseAcceptedConflicts = (args: readonly string[]): AcceptedConflicts => ({
  duplicate: args.includes(DUPLICATE),
  takeOver: args.includes(TAKE_OVER),
})
