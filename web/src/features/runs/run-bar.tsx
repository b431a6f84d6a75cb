import type { RunCounts } from '@rollcall/contracts/admin'
import { StateBar } from '../../ui/state-bar.tsx'

const ORDER = ['success', 'failed', 'timed_out', 'lost', 'cancelled', 'running', 'pending', 'held'] as const

export const RunBar = ({ counts }: { counts: RunCounts }) => (
  <StateBar order={ORDER} counts={counts} faint={['held', 'pending']} />
)
