import {
  AUDIT_OUTCOME,
  FIRING_OUTCOME,
  HOST_STATE,
  RUN_STATE,
  type StateDescriptor,
  TASK_STATUS,
  UPGRADE_HOST_STATE,
  UPGRADE_STATE,
} from '@rollcall/contracts/admin'

/** Every state that the UI shows. Each has a word, `state.<name>`, in the catalogues. */
export const STATES = {
  ...HOST_STATE.table,
  ...RUN_STATE.table,
  ...UPGRADE_HOST_STATE.table,
  ...UPGRADE_STATE.table,
  ...TASK_STATUS.table,
  ...FIRING_OUTCOME.table,
  ...AUDIT_OUTCOME.table,
  /** A plan that succeeded: it changed nothing. */
  planned: { tone: 'busy', sign: '✓' },
  /** A host that has left the fleet. */
  removed: { tone: 'faint', sign: '–' },
} as const satisfies Record<string, Pick<StateDescriptor, 'tone' | 'sign'>>
export type ShownState = keyof typeof STATES
