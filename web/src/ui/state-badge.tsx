import {
  AUDIT_OUTCOME,
  FIRING_OUTCOME,
  HOST_STATE,
  RUN_STATE,
  type StateDescriptor,
  TASK_STATUS,
  type Tone,
  UPGRADE_HOST_STATE,
  UPGRADE_STATE,
} from '@rollcall/contracts/admin'
import { t } from '../i18n/index.tsx'

const STATES = {
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

const COLORS: Record<Tone, string> = {
  ok: 'var(--ok)',
  busy: 'var(--busy)',
  warn: 'var(--warn)',
  bad: 'var(--bad)',
  faint: 'var(--mantine-color-dimmed)',
}

export const toTone = (state: ShownState): Tone => STATES[state].tone
export const toColor = (state: ShownState): string => COLORS[toTone(state)]
export const toWord = (state: ShownState): string => t(`state.${state}`)

/** Shows a state by colour, sign and word, so that no one of them has to be seen. */
export function StateBadge({ state, reason }: { state: ShownState; reason?: string | null }) {
  return (
    <span
      style={{ color: toColor(state), fontWeight: 550, whiteSpace: 'nowrap' }}
      title={reason ?? undefined}
      data-state={state}
    >
      <span aria-hidden>{STATES[state].sign}</span> {toWord(state)}
    </span>
  )
}
