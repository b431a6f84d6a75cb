import type { TransferView } from '@rollcall/contracts/admin'
import { StateBar } from '../../ui/state-bar.tsx'

const ORDER = ['success', 'failed', 'cancelled', 'running', 'pending'] as const

export const TransferBar = ({ counts }: Pick<TransferView, 'counts'>) => (
  <StateBar order={ORDER} counts={counts} faint={['pending']} />
)
