import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { uuid } from '@rollcall/contracts'
import { errorCode } from '../platform/files.ts'

/**
 * The spool of transfers, beside that of commands. The agent writes `order.json`, `chunk.N` and `ended`; the worker that the runner
 * starts writes everything else, so that no file has two writers. A chunk that was applied is removed by the worker.
 */
export interface TransferPaths {
  folder: string
  /** What to do; on the disk before anyone is told. */
  order: string
  /** The list of a tree, as far as it has come. */
  manifest: string
  /** The offset from which content is wanted: everything below is applied. */
  progress: string
  /** Which files of a tree are wanted. */
  wanted: string
  /** A symbolic link to what is being written, where it will be placed. */
  part: string
  /** How it ended. */
  result: string
  /** Nobody wants it any more. */
  ended: string
  /** The copy of a file that was asked for, and where its pieces end. */
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

/** Every transfer in the spool. */
export function transferIds(transfers: string): string[] {
  try {
    return readdirSync(transfers, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && uuid.safeParse(entry.name).success)
      .map((entry) => entry.name)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}
