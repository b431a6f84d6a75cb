import type { Tone } from '@rollcall/contracts/admin'
import { t } from '../i18n/index.tsx'
import { type ShownState, STATES } from './shown-states.ts'

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
