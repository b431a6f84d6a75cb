import { RETRY_POLICIES } from '@rollcall/contracts'
import type { AbandonedTransfer } from './transfer.ts'

export type Takeover =
  | { do: 'acquire' }
  /** Its own server, which has the content, may come back. */
  | { do: 'wait' }
  | { do: 'fail'; reason: string }

/** Decides what a live server does about a transfer whose server is gone. Pure. One without the content can only cancel it, or give it up in the end. */
export function decideTakeover(
  { isCancelRequested, abandonedSince }: Pick<AbandonedTransfer, 'isCancelRequested' | 'abandonedSince'>,
  hasContent: boolean,
  now: Date,
): Takeover {
  if (hasContent || isCancelRequested) return { do: 'acquire' }
  const goneMs = abandonedSince ? now.getTime() - abandonedSince.getTime() : Number.POSITIVE_INFINITY
  if (goneMs < RETRY_POLICIES.transfer.giveUpAfterMs) return { do: 'wait' }
  return {
    do: 'fail',
    reason: 'The server that has the content did not come back within an hour. Send the content again.',
  }
}
