import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type TarEntry, tarArchive } from './tar-archive.ts'

/** What becomes `/opt/rollcall-tools` on a host: Ansible and our playbooks. */
export interface Tools {
  /** A hash over all of it, which the host keeps as VERSION. */
  version: string
  /** The `tools.tar.gz` that `bootstrap.py` unpacks. */
  archive(): Promise<Buffer>
}

/** @param bundle the archive with Ansible and the hash of that file. */
export async function readTools(
  bundle: { path: string; sha256: string },
  playbooksFolder: string,
): Promise<Tools> {
  const entries = await readPlaybooks(playbooksFolder)
  const playbooksHash = sha256(tarArchive(entries))
  return {
    version: sha256(`${bundle.sha256}\n${playbooksHash}\n`),
    archive: async () => {
      const bundleEntry = { path: 'bundle.tar', data: await readFile(bundle.path) }
      // The bundle is compressed already: level 1 loses nothing and takes a few milliseconds.
      return promisify(gzip)(tarArchive([bundleEntry, ...entries]), { level: 1 })
    },
  }
}

async function readPlaybooks(folder: string): Promise<TarEntry[]> {
  const files = await readdir(folder, { withFileTypes: true, recursive: true })
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => relative(folder, join(file.parentPath, file.name)))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.') || part === '__pycache__'))
  return Promise.all(
    paths.map(async (path) => ({ path: `playbooks/${path}`, data: await readFile(join(folder, path)) })),
  )
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
