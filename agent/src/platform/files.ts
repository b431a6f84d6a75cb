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

// Only calls that wait for the disk use another thread: for a small file the hand-over costs more than the call.
const syncFile = promisify(fsync)
const syncData = promisify(fdatasync)
const writeSome = promisify(write)

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException)?.code ?? ''

/** Tells whether an error comes from a system call: the disk is full, read-only, broken or gone, and the code is not at fault. */
export const isDiskFault = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException)?.syscall !== undefined && errorCode(error) !== ''

/** Runs an operation on the disk. Returns what `onFault` does with the code of a fault of the disk; any other error is thrown. */
export function unlessDiskFault<T>(operation: () => T, onFault: (code: string) => T): T {
  try {
    return operation()
  } catch (error) {
    if (isDiskFault(error)) return onFault(errorCode(error))
    throw error
  }
}

/** Closes a descriptor at the end of the block that declares it with `using`. */
export const closing = (fd: number): Disposable => ({ [Symbol.dispose]: () => closeSync(fd) })

/** Runs an operation. Returns null if it fails with one of these codes of the system. */
export function unlessCode<T>(codes: readonly string[], operation: () => T): T | null {
  try {
    return operation()
  } catch (error) {
    if (codes.includes(errorCode(error))) return null
    throw error
  }
}

/** Runs an operation on a file. Returns null if there is no such file. */
export const ifThere = <T>(operation: () => T): T | null => unlessCode(['ENOENT'], operation)

// Most files asked for do not exist, and an error with its stack costs more than stat(2).
const isMissing = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) === undefined

/** Reads a file as text. Returns null if there is no such file. */
export const readIfThere = (path: string): string | null =>
  isMissing(path) ? null : ifThere(() => readFileSync(path, 'utf8'))

/** Opens a file for reading. Returns null if there is no such file. */
export const openIfThere = (path: string): number | null =>
  isMissing(path) ? null : ifThere(() => openSync(path, 'r'))

/** Replaces a file atomically: a reader sees the old or the new text. Does not survive power loss. */
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

/** Creates a file. Returns false if it exists. */
export function createOnce(path: string, text: string): boolean {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    using _fd = closing(fd)
    writeFileSync(fd, text)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Creates a file durably and atomically: no reader sees a part of it. Returns false if it exists. `author` distinguishes concurrent
 * callers; when it throws, the file may exist.
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

/** Replaces a file atomically. File and name survive power loss once the promise resolves. */
export async function replaceFileDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  await writeDurably(temporary, text, syncData)
  renameSync(temporary, path)
  await syncFolder(dirname(path))
}

async function writeDurably(path: string, text: string, sync: (fd: number) => Promise<void>): Promise<void> {
  const fd = openSync(path, 'w', 0o600)
  using _fd = closing(fd)
  writeFileSync(fd, text)
  await sync(fd)
}

/** Writes a new file of mode 600 from consecutive pieces. */
export async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const fd = openSync(path, 'w', 0o600)
  using _fd = closing(fd)
  for (const piece of pieces)
    for (let at = 0; at < piece.length; ) at += (await writeSome(fd, piece, at)).bytesWritten
}

/** Makes the names in a folder survive power loss. */
export async function syncFolder(path: string): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  using _fd = closing(fd)
  await syncFile(fd)
}
