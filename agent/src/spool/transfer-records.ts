import { createHash } from 'node:crypto'
import {
  type TransferOrder,
  type TransferResult,
  transferOrder,
  transferResult,
  transferState,
} from '@rollcall/contracts/agent'
import { z } from 'zod'
import { readIfThere } from '../platform/files.ts'
import type { TransferPaths } from './transfer-paths.ts'

// Unknown fields are ignored: an agent that was rolled back reads the records of a newer one.
const orderRecord = z.object({
  order: z.looseObject({ kind: z.string() }).pipe(transferOrder),
  hash: z.string(),
  accepted_at_ms: z.int(),
  /** Bytes of a disk that the transfer leaves free. */
  left_free: z.int(),
})
export type OrderRecord = z.infer<typeof orderRecord>

export const hashOrder = (order: TransferOrder): string =>
  createHash('sha256').update(JSON.stringify(order)).digest('base64url')

const parse = <T>(schema: z.ZodType<T>, path: string): T | null => {
  const text = readIfThere(path)
  return text === null ? null : schema.parse(JSON.parse(text))
}

export const readOrder = (paths: TransferPaths): OrderRecord | null => parse(orderRecord, paths.order)
export const readResult = (paths: TransferPaths): TransferResult | null => parse(transferResult, paths.result)
export const readWanted = (paths: TransferPaths) => parse(transferState.shape.wanted, paths.wanted)

const PROGRESS = /^(\d{1,16})\n/

/** Reads the offset below which everything is applied. It is written in one piece or not at all. */
export function readProgress(paths: TransferPaths): number {
  const digits = PROGRESS.exec(readIfThere(paths.progress) ?? '')?.[1]
  return digits === undefined ? 0 : Number(digits)
}

/** Formats an offset in a fixed width, so that overwriting it never changes the file's length. */
export const toProgressText = (offset: number): string => `${String(offset).padStart(16, '0')}\n`
