import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../errors.ts'

export interface LocalFile {
  /** Where it is here. */
  local: string
  /** Within the tree, with slashes. */
  path: string
  size: number
  sha256: string
  mode: number
}

/** One file. Throws `UsageError` for anything else. */
export async function readLocalFile(local: string, path = ''): Promise<LocalFile> {
  const stat = await lookAt(local)
  if (stat.isDirectory()) throw new UsageError(`${local} is a folder. Copy it with -r.`)
  if (!stat.isFile()) throw new UsageError(`${local} is neither a file nor a folder.`)
  return { local, path, size: stat.size, sha256: await hashOf(local), mode: stat.mode & 0o777 }
}

/** The files below a folder, by path. Links, devices and the like are passed over, and told to `onSkipped`. */
export async function readLocalTree(folder: string, onSkipped: (path: string) => void): Promise<LocalFile[]> {
  const stat = await lookAt(folder)
  if (!stat.isDirectory()) throw new UsageError(`${folder} is no folder. Copy it without -r.`)
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files: LocalFile[] = []
  for (const entry of entries) {
    const local = join(entry.parentPath, entry.name)
    const path = relative(folder, local).split(sep).join('/')
    if (entry.isFile()) files.push(await readLocalFile(local, path))
    else if (!entry.isDirectory()) onSkipped(path)
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The list of a tree, as the server and the hosts want it. */
export const manifestOf = (files: readonly LocalFile[]): Buffer =>
  Buffer.from(
    files.map(({ path, size, sha256, mode }) => JSON.stringify({ path, size, sha256, mode })).join('\n'),
  )

async function lookAt(path: string) {
  try {
    return await lstat(path)
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}.`)
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
