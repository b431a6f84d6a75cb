import { fstatSync } from 'node:fs'
import { sanitizeText } from '@rollcall/contracts'
import type { TransferOrder, TransferResult } from '@rollcall/contracts/agent'
import { closing, ifThere } from '../platform/files.ts'
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
  using _source = closing(source)
  const { size, mode } = fstatSync(source)
  using writer = OutgoingContentWriter.open(paths, size, leftFree)
  await writer.addFile(source, size, order.path)
  return await writer.finish(mode)
}

function openSource(path: string): number {
  const { folder, name } = openParent(path)
  using parent = folder
  const fd = ifThere(() => openRegular(parent, name, sanitizeText(path, 300)))
  if (fd === null) throw notFound(path)
  return fd
}
