import { mayPass, nextRetry, RETRY_POLICIES, type RollcallError } from '@rollcall/contracts'
import type { TransferHost } from './transfer.ts'

export type AfterFailure =
  | { do: 'retry'; at: Date; unansweredSince: Date }
  /** The agent is to drop what it has of it. */
  | { do: 'fail'; reason: string }

/**
 * Decides what becomes of a transfer to a host after an attempt has failed. Pure. What may pass is tried again, from where it broke off,
 * until the policy gives it up; a defect of ours likewise.
 */
export function afterFailure(
  host: Pick<TransferHost, 'unansweredSince'>,
  error: RollcallError,
  now: Date,
  random: number,
): AfterFailure {
  const since = host.unansweredSince ?? now
  if (!mayPass(error) && error.code !== 'server.defect') return { do: 'fail', reason: error.message }
  const next = nextRetry(RETRY_POLICIES.transfer, { count: 1, since }, now, random)
  if (next.do === 'retry') return { ...next, unansweredSince: since }
  return { do: 'fail', reason: `${error.message} It was tried for an hour.` }
}
