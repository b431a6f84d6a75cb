import type { Instance } from './driven-instance.ts'

/** A slot of a service as the admission of its orders sees it. */
export interface AdmittedSlot
  extends Pick<
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
  > {
  /** The instance on another host whose place it takes; null where there is none, or none any more. */
  predecessor: Pick<Instance, 'id' | 'wanted' | 'state' | 'reason' | 'failures'> | null
}

export type Admission =
  | { do: 'wait'; until: Date | null }
  /** It is the turn of `ids`; `leaving` have to go from their hosts. */
  | { do: 'admit'; ids: string[]; leaving: string[] }
  /** A slot is not well with its new order: those that still wait keep what they run. */
  | { do: 'halt'; reason: string }

/**
 * Decides which slots of a service are carried out next. Pure. Those that replace nothing come at once. The others come one at a time, by
 * number, each when all before it are well: a revision that fails takes one slot and no more. One that moves leaves its old host first.
 */
export function admitSlots(slots: readonly AdmittedSlot[], deadlineMs: number, now: Date): Admission {
  const wanted = slots.filter((slot) => slot.wanted === 'running' && slot.state !== 'unplaced')
  const waiting = wanted.filter((slot) => slot.admittedAt === null)
  if (waiting.length === 0) return WAIT
  const fresh = waiting.filter((slot) => slot.begunGeneration === 0 && slot.predecessor === null)
  if (fresh.length > 0) return { do: 'admit', ids: fresh.map(({ id }) => id), leaving: [] }
  const moving = waiting.find(({ predecessor }) => predecessor?.wanted === 'gone')
  if (moving) return whileMoving(moving, waiting.length)
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
  return next ? begin(next) : WAIT
}

const WAIT: Admission = { do: 'wait', until: null }

function begin({ id, predecessor }: AdmittedSlot): Admission {
  if (predecessor === null) return { do: 'admit', ids: [id], leaving: [] }
  // Nothing can be stopped on a silent host: without a fence the new one begins, and the old one goes once its host answers.
  const ids = predecessor.state === 'interrupted' ? [id] : []
  return { do: 'admit', ids, leaving: [predecessor.id] }
}

/** The old instance of a slot is on its way out, after which the new one is admitted as one that replaces nothing. */
function whileMoving({ id, name, predecessor }: AdmittedSlot, count: number): Admission {
  if (predecessor === null) return WAIT
  if (predecessor.state === 'interrupted') return { do: 'admit', ids: [id], leaving: [] }
  const isStuck = predecessor.failures !== null && predecessor.failures.retryAt === null
  if (!isStuck) return WAIT
  const why = predecessor.reason ?? predecessor.failures?.reason ?? 'it cannot be removed'
  return {
    do: 'halt',
    reason: `The old instance of ${name} does not leave its host, so that ${stays(count)}: ${why}`,
  }
}

/** Tells whether an instance runs its newest order, and is as it should be. */
export const isWell = ({
  state,
  health,
  generation,
  startedGeneration,
}: Pick<AdmittedSlot, 'state' | 'health' | 'generation' | 'startedGeneration'>) =>
  startedGeneration >= generation &&
  (state === 'finished' || (state === 'running' && (health === 'success' || health === 'partial')))

const hasFailed = ({ state, failures }: AdmittedSlot) =>
  state === 'failed' || (failures !== null && failures.retryAt === null)

const stays = (count: number) => (count === 1 ? '1 slot stays as it is' : `${count} slots stay as they are`)

function toReason({ name, reason, state, health }: AdmittedSlot, count: number): string {
  const why = reason ?? `it is ${state}, and its health is ${health}`
  return `${name} is not well with its new order, so that ${stays(count)}: ${why}`
}
