import type { UpgradeHostState, UpgradeView } from '@rollcall/contracts/admin'
import { StateBar } from '../../ui/state-bar.tsx'

/** What went wrong comes first. */
export const HOST_ORDER = [
  'stranded',
  'rolled_back',
  'refused',
  'upgrading',
  'upgraded',
  'waiting',
  'cancelled',
] as const satisfies readonly UpgradeHostState[]

export const UpgradeBar = ({ counts }: Pick<UpgradeView, 'counts'>) => (
  <StateBar order={HOST_ORDER} counts={counts} faint={['waiting']} />
)
