/** A host goes on reporting an instance for a moment after it was removed: only what stays is none of ours. */
const STRANGE_AFTER_MS = 60_000

/** Instances that a host reports although no server has put them there. */
export interface Strangers {
  ids: readonly string[]
  since: Date
  isNoted: boolean
}

export const NO_STRANGERS: Strangers = { ids: [], since: new Date(0), isNoted: true }

/** Returns what is known of strangers after a report. Pure. Others than before begin anew, so that a host cannot fill its history with ever new ones. */
export function withStrangers(before: Strangers, ids: readonly string[], now: Date): Strangers {
  if (ids.join() === before.ids.join()) return before
  return ids.length === 0 ? NO_STRANGERS : { ids, since: now, isNoted: false }
}

/** Tells whether the strangers have stayed for so long that a person has to know. Pure. */
export const isNoteDue = ({ isNoted, since }: Strangers, now: Date): boolean =>
  !isNoted && now.getTime() - since.getTime() >= STRANGE_AFTER_MS
