import { closeSync, fstatSync } from 'node:fs'
import { sanitizeText } from '@rollcall/contracts'
import type { TransferOrder, TransferResult } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'
import { Copy, type Spool } from './copy.ts'
import { openRegular } from './placed-file.ts'
import { notFound, openParent } from './safe-path.ts'

type GetFile = Extract<TransferOrder, { kind: 'get_file' }>

/**
 * Copies a file, as long as it is at the beginning, into the spool. What is appended meanwhile is left out. A worker that follows one
 * that died begins anew.
 */
export async function getFile(order: GetFile, spool: Spool, leftFree: number): Promise<TransferResult> {
  const source = openSource(order.path)
  try {
    const { size, mode } = fstatSync(source)
    using copy = Copy.begin(spool, size, leftFree)
    await copy.addFile(source, size, order.path)
    return await copy.finish(mode)
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
