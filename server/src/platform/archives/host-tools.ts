import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type TarEntry, tarArchive } from './tar-archive.ts'
import { readTar, type TarMember } from './tar-reader.ts'

/** The playbooks that ship with the server; the same place from `src` and from `dist`. */
export const PLAYBOOKS_FOLDER = fileURLToPath(new URL('../../../../playbooks', import.meta.url))

/** The content of a folder under `/opt/rollcall-tools` on a host: Ansible and our playbooks. */
export interface Tools {
  /** A hash over all of it: the folder's name, and what its VERSION says. */
  version: string
  /** The `tools.tar.gz` that `bootstrap.py` unpacks. */
  archive(): Promise<Buffer>
  /** The same files as `bootstrap.py` makes out of that, one by one. */
  files(): Promise<TarMember[]>
}

const GZIP = 0x1f8b
const MAX_BUNDLE_BYTES = 256 * 1024 * 1024

/** @param bundle the archive with Ansible and the hash of that file. */
export async function readTools(
  bundle: { path: string; sha256: string },
  playbooksFolder: string,
): Promise<Tools> {
  const entries = await readPlaybooks(playbooksFolder)
  const playbooksHash = sha256(tarArchive(entries))
  const version = sha256(`${bundle.sha256}\n${playbooksHash}\n`)
  return {
    version,
    archive: async () => {
      const bundleEntry = { path: 'bundle.tar', data: await readFile(bundle.path) }
      // The bundle is compressed already: level 1 loses nothing and takes a few milliseconds.
      return promisify(gzip)(tarArchive([bundleEntry, ...entries]), { level: 1 })
    },
    files: async () => [
      ...readTar(await unpacked(await readFile(bundle.path))).map((member) => ({
        ...member,
        path: `ansible/${member.path}`,
      })),
      ...entries.map((entry) => ({ ...entry, mode: 0o644 })),
      { path: 'VERSION', mode: 0o644, data: Buffer.from(`${version}\n`) },
    ],
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

export const unpacked = async (archive: Buffer): Promise<Buffer> =>
  archive.readUInt16BE() === GZIP
    ? promisify(gunzip)(archive, { maxOutputLength: MAX_BUNDLE_BYTES })
    : archive

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
