import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TreeEntry } from '@rollcall/contracts/agent'
import { UsageError } from '../errors.ts'

export interface LocalFile {
  /** Its local path. */
  local: string
  /** Within the tree, with slashes. */
  path: string
  size: number
  sha256: string
  mode: number
  /** Set-id bits; those of a single file are sent only if --mode asks for them. */
  setIdBits: number
  mtimeMs: number
}

export interface LocalTree {
  files: LocalFile[]
  /** All that the tree holds, by path. */
  entries: TreeEntry[]
}

/** Gets what is not copied unchanged, and why. */
export type OnNotice = (path: string, why: string) => void

const PERMISSIONS = 0o777
const SET_ID = 0o6000

/** Reads what is to be known of one file. Throws `UsageError` for anything else. */
export async function readLocalFile(local: string, path = ''): Promise<LocalFile> {
  const stat = await statLocal(local)
  if (stat.isDirectory()) throw new UsageError(`${local} is a folder. Copy it with -r.`)
  if (!stat.isFile()) throw new UsageError(`${local} is neither a file nor a folder.`)
  return {
    local,
    path,
    size: stat.size,
    sha256: await toHash(local),
    mode: stat.mode & PERMISSIONS,
    setIdBits: stat.mode & SET_ID,
    mtimeMs: Math.trunc(stat.mtimeMs),
  }
}

/**
 * Reads a folder: files, symbolic links and folders with permissions and times. Devices, sockets, pipes and names that are not UTF-8
 * are skipped, set-id bits are kept; `onNotice` gets both.
 */
export async function readLocalTree(folder: string, onNotice: OnNotice): Promise<LocalTree> {
  const stat = await statLocal(folder)
  if (!stat.isDirectory()) throw new UsageError(`${folder} is not a folder. Copy it without -r.`)
  const tree: LocalTree = { files: [], entries: [] }
  await readFolder(folder, '', tree, onNotice)
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)
  tree.files.sort(byPath)
  tree.entries.sort(byPath)
  return tree
}

async function readFolder(
  folder: string,
  prefix: string,
  tree: LocalTree,
  onNotice: OnNotice,
): Promise<void> {
  for (const raw of await readdir(folder, { encoding: 'buffer' })) {
    const name = raw.toString('utf8')
    const path = prefix + name
    if (!Buffer.from(name).equals(raw)) {
      onNotice(path, 'is skipped: its name is not UTF-8')
      continue
    }
    const local = join(folder, name)
    const stat = await statLocal(local)
    if (stat.isFile()) await addFile(local, path, stat, tree, onNotice)
    else if (stat.isSymbolicLink()) await addLink(local, path, tree, onNotice)
    else if (stat.isDirectory()) {
      tree.entries.push({ path, folder: true, ...toRights(path, stat, onNotice) })
      await readFolder(local, `${path}/`, tree, onNotice)
    } else onNotice(path, 'is skipped: it is a device, a socket or a pipe')
  }
}

async function addLink(local: string, path: string, tree: LocalTree, onNotice: OnNotice): Promise<void> {
  const raw = await readlink(local, { encoding: 'buffer' })
  const link = raw.toString('utf8')
  if (Buffer.from(link).equals(raw)) tree.entries.push({ path, link })
  else onNotice(path, 'is skipped: it is a symbolic link to a name that is not UTF-8')
}

async function addFile(
  local: string,
  path: string,
  stat: Stats,
  tree: LocalTree,
  onNotice: OnNotice,
): Promise<void> {
  const file = await readLocalFile(local, path)
  const rights = toRights(path, stat, onNotice)
  tree.files.push(file)
  tree.entries.push({ path, size: file.size, sha256: file.sha256, ...rights })
}

function toRights(
  path: string,
  { mode, mtimeMs }: Stats,
  onNotice: OnNotice,
): { mode: number; mtime_ms: number } {
  if ((mode & SET_ID) !== 0)
    onNotice(path, `is set-${(mode & 0o4000) !== 0 ? 'user' : 'group'}-id, also on the host`)
  return { mode: mode & 0o7777, mtime_ms: Math.trunc(mtimeMs) }
}

/** Formats the list of a tree as the server and the hosts expect it. */
export const toManifest = ({ entries }: LocalTree): Buffer =>
  Buffer.from(entries.map((entry) => JSON.stringify(entry)).join('\n'))

async function statLocal(path: string) {
  try {
    return await lstat(path)
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}.`)
  }
}

async function toHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
