import type { ErrorCode } from '@rollcall/contracts'
import type { TransferHostState } from '@rollcall/contracts/admin'
import type { TransferResult } from '@rollcall/contracts/agent'

/** What is to be placed, and where. */
export interface Transfer {
  id: string
  bodyHash: string
  kind: 'file' | 'tree'
  /** The hash of the file, or of the tree's list. */
  content: string
  destination: string
  mode: number | null
  owner: string | null
  makeParents: boolean
  /** Of a tree: what is there and not in its list goes. */
  deletesOthers: boolean
  /** Of a tree: nothing is changed; what would be is told. */
  isDryRun: boolean
  requestedBy: string
  /** Whose present rights count; null for what an earlier release has begun. */
  requester: { kind: 'user' | 'key' | 'local'; id: string } | null
  createdAt: Date
}

/** A transfer that no live server holds. */
export interface AbandonedTransfer extends Pick<Transfer, 'id' | 'kind' | 'content'> {
  isCancelRequested: boolean
  /** When the lease of its server expired; null when that was forgotten long ago. */
  abandonedSince: Date | null
}

/** The same on one host. `id` is what the agent knows it by. */
export interface TransferHost {
  id: string
  transferId: string
  hostId: string
  hostName: string
  state: TransferHostState
  bytes: number
  totalBytes: number
  filesWritten: number | null
  filesUnchanged: number | null
  /** Of a tree: what was done, or would be, besides the content of files. */
  changes: NonNullable<TransferResult['changes']> | null
  reasonCode: ErrorCode | null
  reason: string | null
  cancelRequestedAt: Date | null
  unansweredSince: Date | null
  endedAt: Date | null
}
