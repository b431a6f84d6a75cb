import type { TransferProgress, TransferView } from '@rollcall/contracts/admin'
import { type FollowSettings, followTopic } from './follow-with-reconnect.ts'

type OnProgress = (transfer: TransferView, hosts: readonly TransferProgress[]) => void

/** Follows a transfer of files to its end. `onProgress` gets all hosts that were reported so far. */
export async function followTransfer(
  transferId: string,
  onProgress: OnProgress,
  settings: FollowSettings,
): Promise<void> {
  const hosts = new Map<string, TransferProgress>()
  await followTopic(
    { type: 'follow-transfer', transferId },
    (event) => {
      if (event.type === 'transfer' && event.transfer.id === transferId) {
        for (const host of event.hosts) hosts.set(host.host, host)
        onProgress(event.transfer, [...hosts.values()])
      }
      return event.type === 'transfer-end' && event.transfer.id === transferId ? true : undefined
    },
    settings,
  )
}
