import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { link, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException)?.code ?? ''

/** Full, read-only, broken or gone: something is wrong with the disk, or with what lies on it, and not with us. */
export const isDiskFault = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException)?.syscall !== undefined && errorCode(error) !== ''

/** A file's text, or null when there is no such file. */
export function readIfThere(path: string): string | null {
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
    await writeFile(own, text, { mode: 0o600, flush: true })
    await link(own, path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(own, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

/** As `replaceFile`, and on the disk when the promise resolves: file and name survive a loss of power. */
export async function replaceFileDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Makes the names in a folder survive a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
