import { setTimeout as delay } from 'node:timers/promises'
import type { AdminResponse, TransferProgress, TransferView } from '@rollcall/contracts/admin'
import { ApiError } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import { followTransfer } from '../live/follow-transfer.ts'
import { giveUpAfterMs } from '../live/give-up.ts'

export type ShownTransfer = AdminResponse<'showTransfer'>

/** Between two looks at how far a transfer is where it cannot be followed, in milliseconds. */
const LOOK_MS = 1000
/** A way to the server on which live connections do not pass is given up after so long. */
const MAX_LIVE_SILENCE_MS = 30_000

type Following = Pick<Context, 'api' | 'env' | 'find' | 'notice' | 'stderr'>

/** Shows how far a transfer is until it has ended, as the server tells it; by asking now and then where live connections are refused. */
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
    // Whether that is the end of it is said by the answer to the question itself.
    if (!(error instanceof ApiError)) throw error
  }
  while (true) {
    const shown = await api.call('showTransfer', { params: { id } })
    if (shown.transfer.endedAt !== null) {
      if (stderr.isTTY) stderr.write('\r\x1b[2K')
      return shown
    }
    onProgress(shown.transfer, shown.hosts)
    await delay(LOOK_MS)
  }
}

export function toProgress({ counts }: TransferView, hosts: readonly TransferProgress[]): string {
  const bytes = hosts.reduce((sum, host) => sum + host.bytes, 0)
  const total = hosts.reduce((sum, host) => sum + host.totalBytes, 0)
  const share = total === 0 ? '' : `, ${Math.floor((100 * bytes) / total)} %`
  const parts = Object.entries(counts).flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
  return `${parts.join(', ')}${share}`
}
