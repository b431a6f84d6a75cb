import { closeSync, fstatSync } from 'node:fs'
import { sanitizeText } from '@rollcall/contracts'
import type { TransferOrder, TransferResult } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'
import { OutgoingContentWriter, type OutgoingPaths } from './outgoing-content.ts'
import { openRegular } from './placed-file.ts'
import { notFound, openParent } from './safe-path.ts'

type GetFile = Extract<TransferOrder, { kind: 'get_file' }>

/** Copies a file into the spool, up to its size at the start; a worker that replaces a dead one starts over. Throws `file.changed`. */
export async function getFile(
  order: GetFile,
  paths: OutgoingPaths,
  leftFree: number,
): Promise<TransferResult> {
  const source = openSource(order.path)
  try {
    const { size, mode } = fstatSync(source)
    using writer = OutgoingContentWriter.open(paths, size, leftFree)
    await writer.addFile(source, size, order.path)
    return await writer.finish(mode)
  } finally {
    closeSync(source)
  }
}

function openSource(path: string): number {
  const { folder, name } = openParent(path)
  try {
    return openRegular(folder, name, sanitizeText(path, 300))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw notFound(path)
    throw error
  } finally {
    folder.close()
  }
}
