import type { WantedState } from '@rollcall/contracts/admin'
import { type Admission, admitSlots, isWell } from './admit-slots.ts'
import type { Instance, StepFailures } from './driven-instance.ts'

/** A service as a decision about its change sees it. */
export interface ChangingService {
  id: string
  wanted: WantedState
  haltedAt: Date | null
  revisionId: string
  provenRevisionId: string | null
}

/** An instance of it, whether it counts for its slot or leaves. */
export interface ChangingSlot
  extends Pick<
    Instance,
    | 'id'
    | 'name'
    | 'slot'
    | 'generation'
    | 'wanted'
    | 'state'
    | 'health'
    | 'reason'
    | 'revisionId'
    | 'startedGeneration'
    | 'begunGeneration'
    | 'admittedAt'
  > {
  runningRevisionId: string | null
  replacedBy: string | null
  isGivenUp: boolean
  failureReason: string | null
}

export type ServiceMove =
  | Exclude<Admission, { do: 'wait' }>
  | { do: 'wait' }
  /** Every instance runs the newest revision, and is well. */
  | { do: 'prove' }
  /** Nothing of it is left. */
  | { do: 'forget' }

/** Decides what a service that changes does next. Pure. */
export function changeService(
  service: ChangingService,
  all: readonly ChangingSlot[],
  deadlineMs: number,
  now: Date,
): ServiceMove {
  if (service.wanted === 'gone') return all.length === 0 ? { do: 'forget' } : { do: 'wait' }
  if (service.haltedAt !== null) return { do: 'wait' }
  const slots = all.filter(({ replacedBy, wanted }) => replacedBy === null && wanted !== 'gone')
  const withPredecessors = slots.map((slot) => ({
    ...slot,
    failures: toFailures(slot),
    predecessor: toPredecessor(all.filter(({ replacedBy }) => replacedBy === slot.id)),
  }))
  const admission = admitSlots(withPredecessors, deadlineMs, now)
  if (admission.do !== 'wait') return admission
  return isProven(service, slots) ? { do: 'prove' } : { do: 'wait' }
}

function isProven(service: ChangingService, slots: readonly ChangingSlot[]): boolean {
  if (service.provenRevisionId === service.revisionId || slots.length === 0) return false
  return slots.every((slot) => slot.runningRevisionId === service.revisionId && isWell(slot))
}

/** One after the other makes room; those on silent hosts come last, since nothing waits for them. */
function toPredecessor(slots: readonly ChangingSlot[]) {
  const next = slots.find(({ state }) => state !== 'interrupted') ?? slots[0]
  return next === undefined ? null : { ...next, failures: toFailures(next) }
}

/** Only whether they were given up counts here. */
const toFailures = ({ isGivenUp, failureReason }: ChangingSlot): StepFailures | null =>
  isGivenUp
    ? { count: 1, since: new Date(0), code: null, reason: failureReason ?? 'it failed', retryAt: null }
    : null
