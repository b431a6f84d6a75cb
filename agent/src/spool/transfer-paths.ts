import { join } from 'node:path'
import { ifThere } from '../platform/files.ts'
import { listIds } from './spool-paths.ts'

/**
 * Paths of a transfer in the spool. The agent writes `order.json`, `chunk.N` and `ended`, the worker all others, so that no file has
 * two writers; the worker removes applied chunks.
 */
export interface TransferPaths {
  folder: string
  /** The transfer's order; on the disk before the runner is notified. */
  order: string
  /** The list of a tree. */
  manifest: string
  /** The offset from which content is wanted; everything below is applied. */
  progress: string
  /** Which files of a tree are wanted. */
  wanted: string
  /** A symbolic link to the unfinished file in its target folder. */
  part: string
  /** How it ended. */
  result: string
  /** The server has ended the transfer. */
  ended: string
  /** The copy of a requested file, and the ends of its pieces. */
  pieces: string
  ends: string
  /** Content that begins at this offset. */
  chunk(offset: number): string
}

export const transfersFolder = (state: string): string => join(state, 'transfers')

export const transferPaths = (transfers: string, id: string): TransferPaths => pathsIn(`${transfers}/${id}`)

export function pathsIn(folder: string): TransferPaths {
  return {
    folder,
    order: `${folder}/order.json`,
    manifest: `${folder}/manifest`,
    progress: `${folder}/progress`,
    wanted: `${folder}/wanted.json`,
    part: `${folder}/part`,
    result: `${folder}/result.json`,
    ended: `${folder}/ended`,
    pieces: `${folder}/pieces`,
    ends: `${folder}/ends`,
    chunk: (offset) => `${folder}/chunk.${offset}`,
  }
}

/** Lists the ids of the transfers in the spool. */
export const transferIds = (transfers: string): string[] => ifThere(() => listIds(transfers)) ?? []
