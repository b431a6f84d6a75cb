import { openSync, readFileSync } from 'node:fs'
import { closing, ifThere } from '../platform/files.ts'
import { mountPoint } from './file-errors.ts'
import type { Folder } from './safe-path.ts'

/** O_PATH (which Node does not define) and O_NOFOLLOW of open(2): opens a name without reading or following it. */
const PATH_ONLY = 0o10000000 | 0o400000

/** Returns the id of the mount of an open file. A bind mount has its own id although its device is the same. */
export function readMountId(fd: number): string {
  const found = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
  if (!found?.[1]) throw new Error('the kernel does not report the mount of a file')
  return found[1]
}

/** Tells whether something is mounted at that name; false if it is missing. */
export function isMountPoint(folder: Folder, name: string): boolean {
  const fd = ifThere(() => openSync(folder.at(name), PATH_ONLY))
  if (fd === null) return false
  using _fd = closing(fd)
  return readMountId(fd) !== readMountId(folder.fd)
}

/** Throws `file.denied` for a mount point, which no file can replace. */
export function refuseMountPoint(folder: Folder, name: string, path: string): void {
  if (isMountPoint(folder, name)) throw mountPoint(path)
}
