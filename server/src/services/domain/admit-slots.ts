import type { Instance } from './driven-instance.ts'

/** A slot of a service as the admission of its orders sees it. */
export type AdmittedSlot = Pick<
  Instance,
  | 'id'
  | 'name'
  | 'slot'
  | 'wanted'
  | 'state'
  | 'health'
  | 'reason'
  | 'failures'
  | 'generation'
  | 'admittedAt'
  | 'begunGeneration'
  | 'startedGeneration'
>

export type Admission =
  | { do: 'wait'; until: Date | null }
  /** It is the turn of these. */
  | { do: 'admit'; ids: string[] }
  /** A slot is not well with its new order: those that still wait keep what they run. */
  | { do: 'halt'; reason: string }

/**
 * Decides which slots of a service are carried out next. Pure. Those that run nothing yet come at once. Those that replace what runs come one
 * at a time, by number, each when all before it are well: a revision that fails takes one slot and no more.
 */
export function admitSlots(slots: readonly AdmittedSlot[], deadlineMs: number, now: Date): Admission {
  const wanted = slots.filter((slot) => slot.wanted === 'running' && slot.state !== 'unplaced')
  const waiting = wanted.filter((slot) => slot.admittedAt === null)
  if (waiting.length === 0) return WAIT
  const fresh = waiting.filter((slot) => slot.begunGeneration === 0)
  if (fresh.length > 0) return { do: 'admit', ids: fresh.map(({ id }) => id) }
  const admitted = wanted.flatMap((slot) =>
    slot.admittedAt === null ? [] : [{ slot, ends: new Date(slot.admittedAt.getTime() + deadlineMs) }],
  )
  const failed = admitted.find(({ slot, ends }) => hasFailed(slot) || (!isWell(slot) && now >= ends))
  if (failed) return { do: 'halt', reason: toReason(failed.slot, waiting.length) }
  const [soonest] = admitted
    .filter(({ slot }) => !isWell(slot))
    .map(({ ends }) => ends)
    .toSorted((one, other) => one.getTime() - other.getTime())
  if (soonest) return { do: 'wait', until: soonest }
  // One whose host is silent comes when that answers again, and holds up no other.
  const [next] = waiting
    .filter((slot) => slot.state !== 'interrupted')
    .toSorted((one, other) => one.slot - other.slot)
  return next ? { do: 'admit', ids: [next.id] } : WAIT
}

const WAIT: Admission = { do: 'wait', until: null }

/** Tells whether an instance runs its newest order, and is as it should be. */
export const isWell = ({ state, health, generation, startedGeneration }: AdmittedSlot) =>
  startedGeneration >= generation &&
  (state === 'finished' || (state === 'running' && (health === 'success' || health === 'partial')))

const hasFailed = ({ state, failures }: AdmittedSlot) =>
  state === 'failed' || (failures !== null && failures.retryAt === null)

function toReason({ name, reason, state, health }: AdmittedSlot, count: number): string {
  const why = reason ?? `it is ${state}, and its health is ${health}`
  const others = count === 1 ? '1 slot stays as it is' : `${count} slots stay as they are`
  return `${name} is not well with its new order, so that ${others}: ${why}`
}
