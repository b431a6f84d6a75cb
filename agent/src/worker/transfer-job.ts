import type { IncomingContent } from './incoming-content.ts'

/** The transfer that a worker carries out. */
export interface TransferJob {
  id: string
  content: IncomingContent
  /** Bytes of a disk that a transfer leaves free for the host itself. */
  leftFree: number
  /** Records where an unfinished file is about to be created, so that it can be removed after a crash. */
  notePart(path: string): void
}

/** Names the unfinished file of a transfer. */
export const toPartName = (id: string): string => `.rollcall-${id}.part`
