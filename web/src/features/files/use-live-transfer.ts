import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { live } from '../../api/live.ts'
import { answerKey } from '../../api/use-answer.ts'
import { type ShownTransfer, withNews } from './transfer-news.ts'

/** Keeps the transfer that was asked for as it is now, while it is open. Draws anew when the connection comes or goes. */
export function useLiveTransfer(id: string, isOpen: boolean): void {
  const client = useQueryClient()
  // How often it is asked for besides depends on it.
  useSyncExternalStore(live.onStatus, () => live.status)
  useEffect(() => {
    if (!isOpen) return
    const queryKey = answerKey('showTransfer', { params: { id } })
    const askAgain = () => void client.invalidateQueries({ queryKey })
    return live.follow({
      takes: (event) =>
        ((event.type === 'transfer' || event.type === 'transfer-end') && event.transfer.id === id) ||
        (event.type === 'error' && event.transferId === id),
      begin: () => ({ type: 'follow-transfer', transferId: id }),
      end: () => ({ type: 'unfollow-transfer', transferId: id }),
      onEvent(event) {
        if (event.type === 'transfer')
          client.setQueryData<ShownTransfer>(queryKey, (shown) => withNews(shown, event))
        // What was changed on each host is in the answer alone, and so is why there is none.
        else askAgain()
      },
    })
  }, [id, isOpen, client])
}
