import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { createTar, type TarEntry } from './tar-archive.ts'
import { readTar, type TarMember } from './tar-reader.ts'

/** The playbooks that ship with the server; the path is right from `src` and from `dist`. */
export const PLAYBOOKS_FOLDER = fileURLToPath(new URL('../../../../playbooks', import.meta.url))

/** The content of a folder under `/opt/rollcall-tools` on a host: Ansible and our playbooks. */
export interface Tools {
  /** The hash of the content: the folder's name and the text of its VERSION. */
  version: string
  /** Returns the `tools.tar.gz` that a host unpacks. */
  archive(): Promise<Buffer>
  /** Returns the same files individually, as the host unpacks them. */
  files(): Promise<TarMember[]>
}

/** A pure-Python Ansible as an archive. */
export interface AnsibleBundle {
  path: string
  /** The hash of that file. */
  sha256: string
  /** Makes hosts run it unmodified: `scripts/ansible/__main__.py` looks for the file that says so. */
  isPlain?: boolean
}

const PLAIN_FILE = 'PLAIN_ANSIBLE'
const GZIP = 0x1f8b
const MAX_BUNDLE_BYTES = 256 * 1024 * 1024

export async function readTools(bundle: AnsibleBundle, playbooksFolder: string): Promise<Tools> {
  const entries = (await readFiles(playbooksFolder)).map(({ path, data }) => ({
    path: `playbooks/${path}`,
    data,
  }))
  if (bundle.isPlain) entries.push({ path: PLAIN_FILE, data: Buffer.alloc(0) })
  const playbooksHash = hash('sha256', createTar(entries))
  const version = hash('sha256', `${bundle.sha256}\n${playbooksHash}\n`)
  return {
    version,
    archive: async () => {
      const bundleEntry = { path: 'bundle.tar', data: await readFile(bundle.path) }
      // The bundle is already compressed: level 1 loses nothing and takes a few milliseconds.
      return promisify(gzip)(createTar([bundleEntry, ...entries]), { level: 1 })
    },
    files: async () => [
      ...readTar(await gunzipIfNeeded(await readFile(bundle.path))).map((member) => ({
        ...member,
        path: `ansible/${member.path}`,
      })),
      ...entries.map((entry) => ({ ...entry, mode: 0o644 })),
      { path: 'VERSION', mode: 0o644, data: Buffer.from(`${version}\n`) },
    ],
  }
}

/** Reads every file of a folder except hidden ones and Python's compiled ones. */
export async function readFiles(folder: string): Promise<TarEntry[]> {
  const files = await readdir(folder, { withFileTypes: true, recursive: true })
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => relative(folder, join(file.parentPath, file.name)))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.') || part === '__pycache__'))
  return Promise.all(paths.map(async (path) => ({ path, data: await readFile(join(folder, path)) })))
}

export const gunzipIfNeeded = async (archive: Buffer): Promise<Buffer> =>
  archive.readUInt16BE() === GZIP
    ? promisify(gunzip)(archive, { maxOutputLength: MAX_BUNDLE_BYTES })
    : archive
