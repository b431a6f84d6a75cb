import type { ErrorCode } from '@rollcall/contracts'
import type { TransferHostState } from '@rollcall/contracts/admin'
import type { TransferResult } from '@rollcall/contracts/agent'

/** Files to place on hosts, and where. */
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
  /** For a tree: removes what is on the host and not in its list. */
  deletesOthers: boolean
  /** For a tree: changes nothing, and reports what would change. */
  isDryRun: boolean
  requestedBy: string
  /** The account whose present rights count; null for a transfer of an earlier release. */
  requester: { kind: 'user' | 'key' | 'local'; id: string } | null
  createdAt: Date
}

/** A transfer that no live server holds. */
export interface AbandonedTransfer extends Pick<Transfer, 'id' | 'kind' | 'content'> {
  isCancelRequested: boolean
  /** When the lease of its server expired; null when that was forgotten long ago. */
  abandonedSince: Date | null
}

/** The part of a transfer on one host. `id` is the agent's id of it. */
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
  /** For a tree: the changes, made or planned, besides the content of files. */
  changes: NonNullable<TransferResult['changes']> | null
  reasonCode: ErrorCode | null
  reason: string | null
  cancelRequestedAt: Date | null
  unansweredSince: Date | null
  endedAt: Date | null
}

export interface TransferEnd {
  state: TransferHostState
  reasonCode?: ErrorCode
  reason?: string
  filesWritten?: number
  filesUnchanged?: number
  changes?: TransferHost['changes']
}

export interface ListedTransfer {
  transfer: Transfer
  counts: Partial<Record<TransferHostState, number>>
  endedAt: Date | null
}
