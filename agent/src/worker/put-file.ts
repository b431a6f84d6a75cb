import { statfsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { TransferOrder, TransferResult } from '@rollcall/contracts/agent'
import { diskFull } from './file-errors.ts'
import { resolveOwner } from './file-owner.ts'
import { refuseMountPoint } from './mount-points.ts'
import { openPart } from './part-file.ts'
import { isInPlace } from './placed-file.ts'
import { type Folder, openFolder } from './safe-path.ts'
import type { TransferJob } from './transfer-job.ts'

type PutFile = Extract<TransferOrder, { kind: 'put_file' }>

/** Places one file. Throws `RollcallError` with a `file.*` code. */
export async function putFile(order: PutFile, job: TransferJob): Promise<TransferResult> {
  const owner = resolveOwner(order.owner)
  const desired = { size: order.size, sha256: order.sha256, mode: order.mode, owner }
  const name = basename(order.path)
  using folder = openFolder(dirname(order.path), { makes: order.make_parents })
  const { content } = job
  if (content.offset === 0 && isInPlace(folder, name, order.path, desired)) return unchanged
  refuseMountPoint(folder, name, order.path)
  // After a crash or an idle timeout the part stays for the next worker.
  using part = openPart(folder, name, order.path, desired, job, content.offset)
  if (part === null) return written
  if (content.offset === 0) requireSpace(folder, desired.size, job.leftFree)
  while (content.offset < desired.size) await content.next((piece) => part.write(piece))
  part.place(name, order.path, desired, true)
  return written
}

const unchanged: TransferResult = { error: null, files_written: 0, files_unchanged: 1 }
const written: TransferResult = { error: null, files_written: 1, files_unchanged: 0 }

/** Throws `file.disk_full` unless the disk has room for `bytes` and leaves `leftFree`. */
export function requireSpace(folder: Folder, bytes: number, leftFree: number): void {
  const { bavail, bsize } = statfsSync(folder.at('.'))
  if (bavail * bsize < bytes + leftFree) throw diskFull(folder.path)
}
