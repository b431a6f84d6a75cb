import { fsyncSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { errorCode } from '../platform/files.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'

const HASH = /^[0-9a-f]{64}$/

/** Throws `file.path_refused` for a tree that is not named by its hash: a published name must never change its content. */
export function refuseUnpublishable(path: string): void {
  if (!HASH.test(basename(path))) throw refused(path, 'only a folder whose name is a hash can be published')
}

/** Points the link beside the tree to it, atomically, and removes all trees but this and the previous one. */
export function publish(path: string, link: string): void {
  using folder = openFolder(dirname(path), { makes: false })
  const name = basename(path)
  const previous = readLink(folder, link)
  if (previous !== name) {
    const fresh = `.${link}.new`
    folder.unlink(fresh)
    symlinkSync(name, folder.at(fresh))
    renameSync(folder.at(fresh), folder.at(link))
    fsyncSync(folder.fd)
    for (const other of readdirSync(folder.at('.')))
      if (HASH.test(other) && other !== name && other !== previous)
        rmSync(folder.at(other), { recursive: true, force: true })
  }
}

function readLink(folder: Folder, link: string): string | null {
  try {
    return readlinkSync(folder.at(link))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    if (errorCode(error) === 'EINVAL')
      throw refused(`${folder.path}/${link}`, 'it exists and is not a symbolic link')
    throw error
  }
}
