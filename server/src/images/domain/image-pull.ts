import type { ErrorCode } from '@rollcall/contracts'
import type { ImagePullState } from '@rollcall/contracts/admin'

/** A pull of an image from its registry to a server. */
export interface ImagePull {
  id: string
  ref: string
  state: ImagePullState
  bytes: number
  totalBytes: number | null
  imageId: string | null
  reasonCode: string | null
  reason: string | null
  requestedBy: string
  createdAt: Date
  endedAt: Date | null
}

/** How a pull ended. */
export type PullEnd =
  | { state: 'success'; imageId: string }
  | { state: 'failed'; reasonCode: ErrorCode; reason: string }
