import { hash } from 'node:crypto'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { CollectionSource, PlaybookView } from '@rollcall/contracts/admin'

export interface CollectionFile {
  /** Relative, with slashes. */
  path: string
  /** For root alone on the hosts: a playbook often holds what not everybody should read. */
  mode: number
  data: Buffer
}

/** A version of users' own playbooks. */
export interface Collection {
  name: string
  version: string
  /** Selectors of the hosts that it is for; null for all. */
  labels: string[] | null
  source: CollectionSource
  playbooks: PlaybookView[]
  fileCount: number
  bytes: number
  addedBy: string
  addedAt: Date
}

/** A version of a collection that something needs. */
export interface CollectionUse {
  version: string
  /** Who needs it, for people. */
  by: string
}

export interface CollectionContent {
  /** A hash over paths, modes and contents. */
  version: string
  /** By path. */
  files: CollectionFile[]
  bytes: number
}

const MAX_FILES = 2000
const MAX_BYTES = 8 * 1024 * 1024
/** Files that a checkout, an editor or Python leaves behind. */
const LEFT_OUT = /(?:^|\/)(?:\.|__pycache__(?:\/|$))/

/**
 * Selects the members of an archive that make up a collection. Pure. The same files give the same version, whatever the archive was like.
 * Throws `collection.refused`. The reader of the archive has refused links and paths out of the folder.
 */
export function collectionFiles(members: readonly CollectionFile[]): CollectionContent {
  const files = members
    .filter(({ path }) => !LEFT_OUT.test(path))
    .map(({ path, mode, data }) => ({ path, data, mode: mode & 0o100 ? 0o700 : 0o600 }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  if (files.length > MAX_FILES) throw refused(`has ${files.length} files; it may have ${MAX_FILES}`)
  const bytes = files.reduce((sum, { data }) => sum + data.length, 0)
  if (bytes > MAX_BYTES) throw refused(`has ${bytes} bytes in its files; it may have ${MAX_BYTES}`)
  const paths = new Set<string>()
  for (const { path } of files) {
    if (paths.has(path)) throw refused(`names ${sanitizeText(path, 200)} twice`)
    paths.add(path)
  }
  for (const path of paths)
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1))
      if (paths.has(path.slice(0, at)))
        throw refused(`has ${sanitizeText(path.slice(0, at), 200)} as a file and as a folder`)
  if (!files.some(({ path }) => /^[^/]+\.yml$/.test(path)))
    throw refused(
      'has no playbook, NAME.yml, at its top: pack what is in the folder and not the folder itself',
    )
  return { version: versionOf(files), files, bytes }
}

const versionOf = (files: readonly CollectionFile[]) =>
  hash(
    'sha256',
    files.map(({ path, mode, data }) => JSON.stringify([path, mode, hash('sha256', data)])).join('\n'),
  )

const refused = (what: string) =>
  new RollcallError('collection.refused', `The collection is not taken: it ${what}.`)
