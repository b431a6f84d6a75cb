/**
 * How far a rotation has come, as it is stored.
 * - `made`: the new set is kept. Everybody calls with the old one; the agent may or may not have been told.
 * - `staged`: the agent said that it keeps both. Everybody still calls with the old one.
 * - `switched`: the new one has worked. Everybody calls with it; the agent may or may not have dropped the old one.
 */
export type RotationPhase = 'made' | 'staged' | 'switched'

/** One call to the agent: by which set, and what for. */
export type RotationCall = 'stage_by_old' | 'try_new' | 'commit_by_new' | 'try_old'

/** `refused`: who answers is not the agent that we know by that set. `failed`: nothing is known, or it could not be done. */
export type RotationAnswer = 'done' | 'refused' | 'not_staged' | 'failed'

export type RotationStep =
  | { do: 'call'; call: RotationCall }
  | { do: 'store'; phase: RotationPhase }
  | { do: 'finish' }
  | { do: 'wait' }

/**
 * Returns what to do next. Pure. `last` is what the agent said since the phase was stored; null where it was not asked yet, as after a
 * takeover.
 *
 * At no step is one set the only one that is stored unless the agent has said, to a caller that used that very set, that it has it.
 */
export function nextStep(
  phase: RotationPhase,
  last: { call: RotationCall; answer: RotationAnswer } | null,
): RotationStep {
  if (last === null) return { do: 'call', call: FIRST_CALL[phase] }
  const { call, answer } = last
  // It was committed and we do not know it, or an installation has brought the new set.
  if (call === 'stage_by_old' && answer === 'refused') return { do: 'call', call: 'try_new' }
  // The host was set back to what it was before the new set worked.
  if (call === 'commit_by_new' && answer === 'refused') return { do: 'call', call: 'try_old' }
  // An installation, or a power loss before the disk had it, has removed what was staged.
  if (call === 'try_new' && answer === 'refused' && phase === 'staged') return { do: 'store', phase: 'made' }
  // Whoever is let in with the new set where nothing is staged was let in by the agent's only set.
  if (call === 'commit_by_new' && answer === 'not_staged') return { do: 'finish' }
  return answer === 'done' ? AFTER_SUCCESS[call] : { do: 'wait' }
}

const FIRST_CALL: Record<RotationPhase, RotationCall> = {
  made: 'stage_by_old',
  staged: 'try_new',
  switched: 'commit_by_new',
}

const AFTER_SUCCESS: Record<RotationCall, RotationStep> = {
  stage_by_old: { do: 'store', phase: 'staged' },
  try_new: { do: 'store', phase: 'switched' },
  commit_by_new: { do: 'finish' },
  try_old: { do: 'store', phase: 'made' },
}
