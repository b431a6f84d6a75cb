import { fsyncSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { errorCode } from '../platform/files.ts'
import { removeName } from './placed-file.ts'
import { type Folder, openFolder, refused } from './safe-path.ts'

const HASH = /^[0-9a-f]{64}$/

/** Only trees that are named by what they hold are published: then a name never stands for two contents. */
export function refuseUnpublishable(path: string): void {
  if (!HASH.test(basename(path))) throw refused(path, 'only a folder whose name is a hash can be published')
}

/** Sets the link beside the tree to it, in one step, and removes trees that neither this nor the former link leads to. */
export function publish(path: string, link: string): void {
  const folder = openFolder(dirname(path), { makes: false })
  try {
    const name = basename(path)
    const former = linkIn(folder, link)
    if (former !== name) {
      const fresh = `.${link}.new`
      removeName(folder, fresh)
      symlinkSync(name, folder.at(fresh))
      renameSync(folder.at(fresh), folder.at(link))
      fsyncSync(folder.fd)
      for (const other of readdirSync(folder.at('.')))
        if (HASH.test(other) && other !== name && other !== former)
          rmSync(folder.at(other), { recursive: true, force: true })
    }
  } finally {
    folder.close()
  }
}

function linkIn(folder: Folder, link: string): string | null {
  try {
    return readlinkSync(folder.at(link))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    if (errorCode(error) === 'EINVAL')
      throw refused(`${folder.path}/${link}`, 'it is there and is no symbolic link')
    throw error
  }
}
