import { statfsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { TransferOrder, TransferResult } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'
import type { Content } from './content.ts'
import { resolveOwner } from './file-owner.ts'
import { refuseMountPoint } from './mounts.ts'
import { isInPlace, PartFile, removeName, type Wish } from './placed-file.ts'
import { type Folder, openFolder } from './safe-path.ts'
import { diskFull } from './worker-failure.ts'

/** What a worker knows of its transfer, and what it must put on record. */
export interface Job {
  id: string
  content: Content
  /** Bytes of a disk that a transfer leaves free for the host itself. */
  leftFree: number
  /** Puts on record where something unfinished is about to be. */
  notePart(path: string): void
}

export const partNameOf = (id: string): string => `.rollcall-${id}.part`

type PutFile = Extract<TransferOrder, { kind: 'put_file' }>

export async function putFile(order: PutFile, job: Job): Promise<TransferResult> {
  const owner = order.owner === null ? { uid: null, gid: null } : resolveOwner(order.owner)
  const wish = { size: order.size, sha256: order.sha256, mode: order.mode, owner }
  const name = basename(order.path)
  const folder = openFolder(dirname(order.path), { makes: order.make_parents })
  const { content } = job
  if (content.offset === 0 && isInPlace(folder, name, order.path, wish)) return unchanged
  refuseMountPoint(folder, name, order.path)
  const part = openPart(folder, name, order.path, wish, job, content.offset)
  if (part === null) return written
  try {
    if (content.offset === 0) needRoom(folder, wish.size, job.leftFree)
    while (content.offset < wish.size) await content.next((piece) => part.write(piece))
    part.place(name, order.path, wish, true)
  } catch (error) {
    // What came so far is kept for the next worker, unless this one says that it failed.
    part.close()
    throw error
  }
  part.close()
  return written
}

const unchanged: TransferResult = { error: null, files_written: 0, files_unchanged: 1 }
const written: TransferResult = { error: null, files_written: 1, files_unchanged: 0 }

/** What is to be written, from `from` on; null when a worker before this one had put it in place and died before it said so. */
export function openPart(
  folder: Folder,
  name: string,
  path: string,
  wish: Wish,
  job: Job,
  from: number,
): PartFile | null {
  const partName = partNameOf(job.id)
  try {
    if (from === 0) job.notePart(`${folder.path}/${partName}`)
    return new PartFile(folder, partName, from)
  } catch (error) {
    if (from === 0 || errorCode(error) !== 'ENOENT' || !isInPlace(folder, name, path, wish)) throw error
    return null
  }
}

/** Throws `file.disk_full` before anything is sent, rather than in the middle. */
export function needRoom(folder: Folder, bytes: number, leftFree: number): void {
  const { bavail, bsize } = statfsSync(folder.at('.'))
  if (bavail * bsize < bytes + leftFree) throw diskFull(folder.path)
}

/** Removes what an unfinished transfer has left in that folder. */
export function removePart(path: string): void {
  if (!/^\.rollcall-[0-9a-f-]{36}\.part$/.test(basename(path))) return
  const folder = openFolder(dirname(path), { makes: false })
  try {
    removeName(folder, basename(path))
  } finally {
    folder.close()
  }
}
