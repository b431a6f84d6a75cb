import type { ErrorCode } from '@rollcall/contracts'
import type { InstanceHealth, InstanceState } from '@rollcall/contracts/admin'
import type { Instance, InstanceStepName } from './driven-instance.ts'

/** The next thing to do for an instance. */
export type InstanceMove =
  /** Nothing, until something changes, or until that moment. */
  | { do: 'wait'; until: Date | null }
  /** A step on its host, under its id and generation. */
  | { do: 'command'; step: InstanceStepName }
  /** Store what is so by now. */
  | ({ do: 'note' } & Noted)

/** The present state of an instance, to be stored. */
export interface Noted {
  state: InstanceState
  health: InstanceHealth
  code: ErrorCode | null
  reason: string | null
}

export const WAIT: InstanceMove = { do: 'wait', until: null }

/** Returns the note of what is so; waits, until `until`, where that is noted already. */
export function toMove(
  instance: Pick<Instance, 'state' | 'health' | 'reasonCode' | 'reason'>,
  { state, health = 'unknown', code = null, reason = null }: Pick<Noted, 'state'> & Partial<Noted>,
  until: Date | null = null,
): InstanceMove {
  const isNoted =
    instance.state === state &&
    instance.health === health &&
    instance.reasonCode === code &&
    instance.reason === reason
  return isNoted ? { do: 'wait', until } : { do: 'note', state, health, code, reason }
}
