import type { CommandState, HostState, UpgradeHostState, UpgradeState } from '@rollcall/contracts/admin'
import { t } from '../i18n/index.tsx'

export type ShownState =
  | HostState
  | CommandState
  | UpgradeHostState
  | UpgradeState
  | 'held'
  | 'planned'
  | 'removed'

const LOOKS: Record<ShownState, { color: string; icon: string }> = {
  online: { color: 'var(--ok)', icon: '●' },
  degraded: { color: 'var(--warn)', icon: '▲' },
  offline: { color: 'var(--bad)', icon: '○' },
  credentials_refused: { color: 'var(--bad)', icon: '✕' },
  identity_changed: { color: 'var(--bad)', icon: '✕' },
  install_failed: { color: 'var(--bad)', icon: '✕' },
  remove_failed: { color: 'var(--bad)', icon: '✕' },
  installing: { color: 'var(--busy)', icon: '◌' },
  upgrading: { color: 'var(--busy)', icon: '◌' },
  removing: { color: 'var(--busy)', icon: '◌' },
  removed: { color: 'var(--mantine-color-dimmed)', icon: '–' },
  pending: { color: 'var(--mantine-color-dimmed)', icon: '◌' },
  planned: { color: 'var(--busy)', icon: '✓' },
  held: { color: 'var(--mantine-color-dimmed)', icon: '‖' },
  running: { color: 'var(--busy)', icon: '▶' },
  success: { color: 'var(--ok)', icon: '✓' },
  failed: { color: 'var(--bad)', icon: '✕' },
  timed_out: { color: 'var(--bad)', icon: '⏱' },
  cancelled: { color: 'var(--warn)', icon: '■' },
  lost: { color: 'var(--bad)', icon: '?' },
  waiting: { color: 'var(--mantine-color-dimmed)', icon: '◌' },
  upgraded: { color: 'var(--ok)', icon: '✓' },
  rolled_back: { color: 'var(--warn)', icon: '↩' },
  refused: { color: 'var(--warn)', icon: '✕' },
  stranded: { color: 'var(--bad)', icon: '?' },
  paused: { color: 'var(--warn)', icon: '‖' },
  done: { color: 'var(--ok)', icon: '✓' },
  stopped: { color: 'var(--bad)', icon: '■' },
}

export const toColor = (state: ShownState) => LOOKS[state].color
export const toWord = (state: ShownState) => t(`state.${state}`)

/** By colour, sign and word, so that no one of them has to be seen. */
export function StateBadge({ state, reason }: { state: ShownState; reason?: string | null }) {
  const { color, icon } = LOOKS[state]
  return (
    <span
      style={{ color, fontWeight: 550, whiteSpace: 'nowrap' }}
      title={reason ?? undefined}
      data-state={state}
    >
      <span aria-hidden>{icon}</span> {toWord(state)}
    </span>
  )
}
