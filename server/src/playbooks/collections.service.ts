import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { PlaybookView } from '@rollcall/contracts/admin'
import { type HostScope, isCollectionFor } from '../access/index.ts'
import { BlobStore, contentGone, readWhole } from '../blobs/index.ts'
import { readTar } from '../platform/archives/tar-reader.ts'
import { Clock } from '../platform/clock/clock.ts'
import { CollectionsRepository } from './collections.repository.ts'
import {
  type Collection,
  type CollectionContent,
  type CollectionFile,
  type CollectionUse,
  collectionFiles,
} from './domain/collection-files.ts'
import { GitSource } from './git/git-source.ts'
import { readPlaybooks } from './playbook-reader.ts'

const MAX_PACKED_BYTES = 8 * 1024 * 1024
/** Bounds an archive, with headers and the files that are left out. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024
const MAX_YAML_BYTES = 1024 * 1024
/** Users of a collection that are named when it cannot be removed. */
const MAX_NAMED = 5

type NewCollection = Pick<Collection, 'name' | 'source'> & { labels?: Collection['labels'] | undefined }

/** Users' own playbooks, in collections that have a name and, at any time, one version in use. */
@Injectable()
export class CollectionsService {
  constructor(
    private readonly collections: CollectionsRepository,
    private readonly blobs: BlobStore,
    private readonly git: GitSource,
    private readonly clock: Clock,
  ) {}

  /** Lists the collections for the hosts of a scope. */
  async list(scope: HostScope): Promise<Collection[]> {
    return (await this.collections.list()).filter((collection) => isCollectionFor(scope, collection))
  }

  /**
   * Stores a version of a collection if all of it is valid; the same files again change nothing. Throws `collection.*`, `file.path_refused` for
   * members of an archive that lead elsewhere, and `file.content_gone`.
   */
  async add(
    { name, source, labels }: NewCollection,
    addedBy: string,
  ): Promise<{ collection: Collection; isNew: boolean }> {
    const archive =
      source.kind === 'git'
        ? await this.git.archive(source, MAX_UNPACKED_BYTES)
        : await this.unpacked(source.sha256)
    const content = collectionFiles(readTar(archive))
    const playbooks = await playbooksOf(name, content)
    const collection = {
      name,
      source,
      addedBy,
      version: content.version,
      addedAt: this.clock.now(),
      fileCount: content.files.length,
      bytes: content.bytes,
      playbooks,
    }
    const kept = labels === undefined ? ((await this.collections.find(name))?.labels ?? null) : labels
    const stored = { ...collection, labels: kept }
    const isNew = await this.collections.store(stored, content.files)
    return { collection: stored, isNew }
  }

  /** Throws `collection.not_found`, and `collection.in_use` while a service is made by a playbook of it. */
  async remove(name: string): Promise<void> {
    const uses = await this.collections.remove(name)
    if (!uses)
      throw new RollcallError(
        'collection.not_found',
        `There is no collection of playbooks named ${name}. List them: rollcall playbook collections`,
      )
    if (uses.length > 0) throw inUse(name, uses)
  }

  private async unpacked(sha256: string): Promise<Buffer> {
    const blob = await this.blobs.find(sha256)
    if (blob === null) throw contentGone(sha256, 'source.sha256')
    try {
      if (blob.size > MAX_PACKED_BYTES)
        throw refused(`the archive has ${blob.size} bytes; it may have ${MAX_PACKED_BYTES}`)
      return await unzipped(await readWhole(blob))
    } finally {
      await blob.close()
    }
  }
}

async function unzipped(archive: Buffer): Promise<Buffer> {
  try {
    return await promisify(gunzip)(archive, { maxOutputLength: MAX_UNPACKED_BYTES })
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
        ? `unpacked, the archive has more than ${MAX_UNPACKED_BYTES} bytes`
        : 'the archive is no .tar.gz, or damaged'
    throw refused(why, error)
  }
}

/** As they are listed. Throws `collection.refused` with the file and line of all that is wrong. */
async function playbooksOf(name: string, { version, files }: CollectionContent): Promise<PlaybookView[]> {
  const yaml = files.filter(({ path }) => /\.ya?ml$/.test(path))
  const bytes = yaml.reduce((sum, { data }) => sum + data.length, 0)
  if (bytes > MAX_YAML_BYTES)
    throw refused(`its YAML files have ${bytes} bytes; they may have ${MAX_YAML_BYTES}`)
  const text = (file: CollectionFile): [string, string] => [file.path, file.data.toString('utf8')]
  const { playbooks, faults } = await readPlaybooks(new Map(yaml.map(text)))
  if (faults.length === 0)
    return playbooks.map((playbook) => ({ ...playbook, name: `${name}/${playbook.name}`, version }))
  const fields = faults.map(({ file, line, message }) => ({ field: `${file}:${line}`, message }))
  throw new RollcallError(
    'collection.refused',
    `Nothing was stored: ${fields.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
    { fields },
  )
}

function inUse(name: string, uses: readonly CollectionUse[]): RollcallError {
  const users = [...new Set(uses.map(({ by }) => by))]
  const more = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : ''
  return new RollcallError(
    'collection.in_use',
    `The playbooks ${name} are used by ${users.slice(0, MAX_NAMED).join(', ')}${more}. Apply them without it, or remove them, before you remove the playbooks.`,
  )
}

const refused = (why: string, cause?: unknown) =>
  new RollcallError('collection.refused', `The collection is not taken: ${why}.`, { cause })
