import { mayPass, type RollcallError } from '@rollcall/contracts'
import type { TransferHost } from './transfer.ts'

/** A host that has not answered for so long is given up. */
export const GIVE_UP_MS = 60 * 60_000
const RETRY_MS = 5000

export type AfterFailure =
  | { do: 'retry'; at: Date; unansweredSince: Date }
  /** The agent's part is ended: what it has of it is of no use. */
  | { do: 'fail'; reason: string }

/** What becomes of a transfer to a host after an attempt has failed. What may pass is tried again for an hour, and goes on where it broke. Pure. */
export function afterFailure(
  host: Pick<TransferHost, 'unansweredSince'>,
  error: RollcallError,
  now: Date,
): AfterFailure {
  const since = host.unansweredSince ?? now
  if (!mayPass(error)) return { do: 'fail', reason: error.message }
  if (now.getTime() - since.getTime() >= GIVE_UP_MS)
    return { do: 'fail', reason: `${error.message} It was tried for an hour.` }
  return { do: 'retry', at: new Date(now.getTime() + RETRY_MS), unansweredSince: since }
}
