import {
  closeSync,
  constants,
  fdatasync,
  fsync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

// Only what waits for the disk itself is left to another thread: for a small file the way there costs more than the call.
const syncFile = promisify(fsync)
const syncData = promisify(fdatasync)
const writeSome = promisify(write)

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException)?.code ?? ''

/** Full, read-only, broken or gone: something is wrong with the disk, or with what lies on it, and not with us. */
export const isDiskFault = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException)?.syscall !== undefined && errorCode(error) !== ''

/** A file's text, or null when there is no such file. */
export function readIfThere(path: string): string | null {
  // Most that are asked for are not there, and an error with its stack costs more than this question.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

/** Replaces a file whole: a reader sees the old or the new text, never a part. Not yet safe against power loss. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.tmp`
  try {
    writeFileSync(temporary, text, { mode: 0o600 })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Creates a file that must not exist yet; `false` when it does. */
export function createOnce(path: string, text: string): boolean {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      writeFileSync(fd, text)
    } finally {
      closeSync(fd)
    }
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * As `createOnce`, and on the disk when it returns. The name appears with the whole text behind it: nobody ever sees a part,
 * whatever happens in between. `author` tells apart those who may try at the same time. When it throws, the file may exist.
 */
export async function createOnceDurably(path: string, author: string, text: string): Promise<boolean> {
  const own = `${path}.${author}`
  try {
    await writeDurably(own, text, syncFile)
    linkSync(own, path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

/** As `replaceFile`, and on the disk when the promise resolves: file and name survive a loss of power. */
export async function replaceFileDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  await writeDurably(temporary, text, syncData)
  renameSync(temporary, path)
  await syncFolder(dirname(path))
}

async function writeDurably(path: string, text: string, sync: (fd: number) => Promise<void>): Promise<void> {
  const fd = openSync(path, 'w', 0o600)
  try {
    writeFileSync(fd, text)
    await sync(fd)
  } finally {
    closeSync(fd)
  }
}

/** A new file, of mode 600, out of pieces that follow one another. */
export async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const fd = openSync(path, 'w', 0o600)
  try {
    for (const piece of pieces)
      for (let at = 0; at < piece.length; ) at += (await writeSome(fd, piece, at)).bytesWritten
  } finally {
    closeSync(fd)
  }
}

/** Makes the names in a folder survive a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await syncFile(fd)
  } finally {
    closeSync(fd)
  }
}
