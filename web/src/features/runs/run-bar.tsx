import type { RunCounts, RunPlaybookView } from '@rollcall/contracts/admin'
import { StateBar } from '../../ui/state-bar.tsx'

const ORDER = ['success', 'failed', 'timed_out', 'lost', 'cancelled', 'running', 'pending', 'held'] as const

/** A host on which a plan succeeded was looked at, and nothing of it was changed. */
export function RunBar({ counts, playbook }: { counts: RunCounts; playbook: RunPlaybookView | null }) {
  if (playbook?.mode !== 'plan') return <StateBar order={ORDER} counts={counts} faint={['held', 'pending']} />
  const { success, ...others } = counts
  const order = ORDER.map((state) => (state === 'success' ? 'planned' : state))
  return <StateBar order={order} counts={{ ...others, planned: success }} faint={['held', 'pending']} />
}
