import { setTimeout as delay } from 'node:timers/promises'
import type { AdminResponse, TransferProgress, TransferView } from '@rollcall/contracts/admin'
import { ApiError } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import { followTransfer } from '../live/follow-transfer.ts'
import { giveUpAfterMs } from '../live/give-up.ts'

export type ShownTransfer = AdminResponse<'showTransfer'>

/** How often a transfer that cannot be followed live is polled, in milliseconds. */
const POLL_INTERVAL_MS = 1000
/** How long a live connection is tried, in milliseconds, before polling instead: some proxies let none pass. */
const MAX_LIVE_SILENCE_MS = 30_000

type Following = Pick<Context, 'api' | 'env' | 'find' | 'notice' | 'stderr'>

/** Shows the progress of a transfer until it has ended. Polls the server if live connections are refused. */
export async function showTransferUntilEnd(context: Following, id: string): Promise<ShownTransfer> {
  const { api, env, find, notice, stderr } = context
  const onProgress = (transfer: TransferView, hosts: readonly TransferProgress[]) => {
    if (stderr.isTTY) stderr.write(`\r\x1b[2K${toProgress(transfer, hosts)}`)
  }
  const settings = {
    find,
    notice,
    signal: new AbortController().signal,
    giveUpAfterMs: Math.min(giveUpAfterMs(env), MAX_LIVE_SILENCE_MS),
  }
  try {
    await followTransfer(id, onProgress, settings)
  } catch (error) {
    // Polling below finds out whether the transfer goes on.
    if (!(error instanceof ApiError)) throw error
  }
  while (true) {
    const shown = await api.call('showTransfer', { params: { id } })
    if (shown.transfer.endedAt !== null) {
      if (stderr.isTTY) stderr.write('\r\x1b[2K')
      return shown
    }
    onProgress(shown.transfer, shown.hosts)
    await delay(POLL_INTERVAL_MS)
  }
}

export function toProgress({ counts }: TransferView, hosts: readonly TransferProgress[]): string {
  const bytes = hosts.reduce((sum, host) => sum + host.bytes, 0)
  const total = hosts.reduce((sum, host) => sum + host.totalBytes, 0)
  const share = total === 0 ? '' : `, ${Math.floor((100 * bytes) / total)} %`
  const parts = Object.entries(counts).flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
  return `${parts.join(', ')}${share}`
}
