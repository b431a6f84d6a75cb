import { rmSync, symlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { RETRY_POLICIES, retryDelayMs, sanitizeText } from '@rollcall/contracts'
import type { TransferResult } from '@rollcall/contracts/agent'
import { systemClock as clock } from './platform/clock.ts'
import { errorCode, isDiskFault, replaceFileDurably, unlessDiskFault } from './platform/files.ts'
import { stderrLog as log } from './platform/log.ts'
import { runProcess } from './platform/run-process.ts'
import { pathsIn, type TransferPaths } from './spool/transfer-paths.ts'
import { type OrderRecord, readOrder, readResult } from './spool/transfer-records.ts'
import { toFileError } from './worker/file-errors.ts'
import { getFile } from './worker/get-file.ts'
import { getFiles, listTree } from './worker/get-tree.ts'
import { IdleTimeoutError, IncomingContent } from './worker/incoming-content.ts'
import { removePart } from './worker/part-file.ts'
import { putFile } from './worker/put-file.ts'
import { putTree, syncTree } from './worker/put-tree.ts'
import type { TransferJob } from './worker/transfer-job.ts'

/** Interval between attempts to write the result to a faulty disk. */
const RETRY_MS = retryDelayMs(RETRY_POLICIES.hostDisk, 1, 1)

/** Carries out the transfer in the folder named by its argument, resuming where an earlier worker stopped, and leaves a result there. */
runProcess(async () => {
  // Folders that it creates are readable by everybody; files are closed to others until they are complete.
  process.umask(0o022)
  const folder = process.argv[2]
  if (folder === undefined) throw new Error('started without the folder of a transfer')
  // The runner holds the other end: a worker must not outlive it, or two could write one file.
  process.stdin.on('end', () => process.exit(1)).resume()
  const paths = pathsIn(folder)
  const record = readOrder(paths)
  if (record === null || readResult(paths) !== null) process.exit(0)
  try {
    const result = await carryOut(record, toJob(paths, record), paths)
    await recordResult(paths, result)
  } catch (error) {
    if (!(error instanceof IdleTimeoutError)) throw error
  }
  process.exit(0)
})

function toJob(paths: TransferPaths, record: OrderRecord): TransferJob {
  return {
    id: basename(paths.folder),
    content: new IncomingContent(paths),
    leftFree: record.left_free,
    notePart: (path) => {
      rmSync(paths.part, { force: true })
      symlinkSync(path, paths.part)
    },
  }
}

async function carryOut(
  { order }: OrderRecord,
  job: TransferJob,
  paths: TransferPaths,
): Promise<TransferResult> {
  try {
    if (order.kind === 'get_file') return await getFile(order, paths, job.leftFree)
    if (order.kind === 'list_tree') return await listTree(order, paths, job.leftFree)
    if (order.kind === 'get_files') return await getFiles(order, paths, job.leftFree)
    if (order.kind === 'put_file') return await putFile(order, job)
    return order.kind === 'put_tree' ? await putTree(order, job, paths) : await syncTree(order, job, paths)
  } catch (error) {
    if (error instanceof IdleTimeoutError) throw error
    const { code, message } = toFileError(error, order.path)
    log.info('transfer.failed', { id: job.id, code })
    removeUnfinished(paths)
    return { error: { code, message: sanitizeText(message, 1000) }, files_written: 0, files_unchanged: 0 }
  }
}

function removeUnfinished(paths: TransferPaths): void {
  unlessDiskFault(
    () => removePart(paths.part),
    (error) => log.error('transfer.part_stays', { error }),
  )
}

/** Writes the result, retrying until the disk accepts it. */
async function recordResult(paths: TransferPaths, result: TransferResult): Promise<void> {
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
