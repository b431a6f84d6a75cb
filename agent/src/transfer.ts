import { readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { TransferResult } from '@rollcall/contracts/agent'
import { Content, Idle } from './files/content.ts'
import { getFile } from './files/get-file.ts'
import { getFiles, listTree } from './files/get-tree.ts'
import { type Job, putFile, removePart } from './files/put-file.ts'
import { putTree, syncTree } from './files/put-tree.ts'
import { pathsIn, type TransferPaths } from './files/transfer-paths.ts'
import { type OrderRecord, readOrder, readResult } from './files/transfer-records.ts'
import { asFailure } from './files/worker-failure.ts'
import { runMain } from './main.ts'
import { systemClock as clock } from './platform/clock.ts'
import { errorCode, isDiskFault, replaceFileDurably } from './platform/files.ts'
import { stderrLog as log } from './platform/log.ts'

/** What the disk did not take is tried again after this. */
const RETRY_MS = 1000

/** Works on one transfer, in the folder that it is started with, and leaves a result there. It ends when the runner ends, and goes on where it stopped. */
runMain(async () => {
  // Folders that it makes are for everybody; files are closed to others until they are whole.
  process.umask(0o022)
  const folder = process.argv[2]
  if (folder === undefined) throw new Error('started without the folder of a transfer')
  // The runner holds the other end: a worker must not outlive it, or two could be at one file.
  process.stdin.on('end', () => process.exit(1)).resume()
  const paths = pathsIn(folder)
  const record = readOrder(paths)
  if (record === null || readResult(paths) !== null) process.exit(0)
  try {
    const result = await carryOut(record, jobOf(paths, record), paths)
    await leave(paths, result)
  } catch (error) {
    if (!(error instanceof Idle)) throw error
  }
  process.exit(0)
})

function jobOf(paths: TransferPaths, record: OrderRecord): Job {
  return {
    id: basename(paths.folder),
    content: new Content(paths),
    leftFree: record.left_free,
    notePart: (path) => {
      rmSync(paths.part, { force: true })
      symlinkSync(path, paths.part)
    },
  }
}

async function carryOut({ order }: OrderRecord, job: Job, paths: TransferPaths): Promise<TransferResult> {
  try {
    if (order.kind === 'get_file') return await getFile(order, paths, job.leftFree)
    if (order.kind === 'list_tree') return await listTree(order, paths, job.leftFree)
    if (order.kind === 'get_files') return await getFiles(order, paths, job.leftFree)
    if (order.kind === 'put_file') return await putFile(order, job)
    return order.kind === 'put_tree' ? await putTree(order, job, paths) : await syncTree(order, job, paths)
  } catch (error) {
    if (error instanceof Idle) throw error
    const { code, message } = asFailure(error, order.path)
    log.info('transfer.failed', { id: job.id, code })
    removeRemains(paths)
    return { error: { code, message: sanitizeText(message, 1000) }, files_written: 0, files_unchanged: 0 }
  }
}

function removeRemains(paths: TransferPaths): void {
  try {
    removePart(readlinkSync(paths.part))
  } catch (error) {
    const isNothingLeft = errorCode(error) === 'ENOENT' || error instanceof RollcallError
    if (!isNothingLeft && !isDiskFault(error)) throw error
    if (!isNothingLeft) log.error('transfer.part_stays', { error: errorCode(error) })
  }
}

/** As soon as the disk takes it. */
async function leave(paths: TransferPaths, result: TransferResult): Promise<void> {
  while (true) {
    try {
      return await replaceFileDurably(paths.result, JSON.stringify(result))
    } catch (error) {
      if (!isDiskFault(error)) throw error
      log.error('transfer.end_not_recorded', { error: errorCode(error) })
      await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve))
    }
  }
}
