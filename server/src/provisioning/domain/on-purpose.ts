/** What somebody takes on purpose of a machine that is in the fleet already. */
export interface OnPurpose {
  /** It may be the machine, or a clone, of another host. */
  duplicate: boolean
  /** An agent that belongs to another host or server is replaced. */
  takeOver: boolean
}

export const NOTHING: OnPurpose = { duplicate: false, takeOver: false }

const DUPLICATE = '--allow-duplicate'
const TAKE_OVER = '--take-over'

/** As arguments of the command that installs, which begins anew with another server. */
export const toArgs = ({ duplicate, takeOver }: OnPurpose): string[] => [
  ...(duplicate ? [DUPLICATE] : []),
  ...(takeOver ? [TAKE_OVER] : []),
]

export const onPurposeOf = (args: readonly string[]): OnPurpose => ({
  duplicate: args.includes(DUPLICATE),
  takeOver: args.includes(TAKE_OVER),
})
