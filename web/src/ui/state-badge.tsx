import type { StateDescriptor, Tone } from '@rollcall/contracts/admin'
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

export const toneColor = (tone: Tone): string => COLORS[tone]

interface SignProps {
  /** Its name, for whoever looks for it on the page. */
  state: string
  descriptor: Pick<StateDescriptor, 'tone' | 'sign'>
  word: string
  reason?: string | null | undefined
}

/** Shows a state by colour, sign and word, so that no one of them has to be seen. */
export const StateSign = ({ state, descriptor: { tone, sign }, word, reason }: SignProps) => (
  <span
    style={{ color: COLORS[tone], fontWeight: 550, whiteSpace: 'nowrap' }}
    title={reason ?? undefined}
    data-state={state}
  >
    <span aria-hidden>{sign}</span> {word}
  </span>
)

/** Shows one of the states that have a word of their own. */
export const StateBadge = ({ state, reason }: { state: ShownState; reason?: string | null }) => (
  <StateSign state={state} descriptor={STATES[state]} word={toWord(state)} reason={reason} />
)
