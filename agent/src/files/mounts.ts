import { closeSync, openSync, readFileSync } from 'node:fs'
import { errorCode } from '../platform/files.ts'
import type { Folder } from './safe-path.ts'
import { mountPoint } from './worker-failure.ts'

/** O_PATH and O_NOFOLLOW of open(2), of which Node names the second alone: what is opened so is neither read nor followed. */
const NAMED_ONLY = 0o10000000 | 0o400000

/** Returns the number of the mount on which an open file lies: a bind mount has one of its own where the device is the same. */
export function mountOf(fd: number): string {
  const found = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
  if (!found?.[1]) throw new Error('the kernel does not tell on which mount a file lies')
  return found[1]
}

/** Tells whether something else is mounted at that name; false for what is not there. */
export function isMountPoint(folder: Folder, name: string): boolean {
  let fd: number
  try {
    fd = openSync(folder.at(name), NAMED_ONLY)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
  try {
    return mountOf(fd) !== mountOf(folder.fd)
  } finally {
    closeSync(fd)
  }
}

/** Throws `file.denied` where a file could not take the place of what bears the name, before anything is written. */
export function refuseMountPoint(folder: Folder, name: string, path: string): void {
  if (isMountPoint(folder, name)) throw mountPoint(path)
}
