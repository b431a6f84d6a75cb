import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type CollectionVersion, collectionFolder } from '@rollcall/contracts/agent'
import { AgentFiles, type TreeMember, toTreeMember } from '../files/index.ts'
import type { SshSession } from '../platform/ssh/index.ts'
import { SshTools } from '../tools/index.ts'
import { CollectionsRepository } from './collections.repository.ts'

/** Collections that are held in memory, compressed: those that were sent last. */
const MAX_CACHED = 4

/** Brings a version of users' own playbooks to hosts, as a tree that is named by its content; there the one before it is kept. */
@Injectable()
export class CollectionSync {
  private readonly held = new Map<string, Promise<TreeMember[]>>()
  private readonly last = new Map<string, Promise<void>>()

  constructor(
    private readonly collections: CollectionsRepository,
    private readonly files: AgentFiles,
    private readonly ssh: SshTools,
  ) {}

  /**
   * Sends a version to a host, whole and on its disk; only files that differ are sent. One at a time for each host, since both set the
   * same link. Throws `collection.not_found` for a version that is not kept, and what `AgentFiles.uploadTree` throws.
   */
  async ensure(hostId: string, { name, version }: CollectionVersion, signal: AbortSignal): Promise<void> {
    // The caller of the one before learns how that ended.
    const before = this.last.get(hostId)?.catch(() => undefined)
    const sending = (async () => {
      await before
      signal.throwIfAborted()
      await this.files.uploadTree(
        hostId,
        {
          destination: collectionFolder({ name, version }),
          files: await this.load(name, version),
          makeParents: true,
          publishAs: 'current',
        },
        signal,
      )
    })()
    this.last.set(hostId, sending)
    try {
      await sending
    } finally {
      if (this.last.get(hostId) === sending) this.last.delete(hostId)
    }
  }

  /** Sends a version over SSH, with the tools in `folder`. Throws `collection.not_found`, and what `SshTools.use` throws. */
  async ensureOverSsh(
    session: SshSession,
    folder: string,
    { name, version }: CollectionVersion,
    signal: AbortSignal,
  ): Promise<void> {
    const files = await this.filesOf(name, version)
    const list = files.map(({ path, mode, data }) => ({ path, mode, data: data.toString('base64') }))
    const packed = await promisify(gzip)(JSON.stringify(list))
    await this.ssh.runProgram(session, folder, ['place-collection', name, version], packed, signal)
  }

  private load(name: string, version: string): Promise<TreeMember[]> {
    const key = `${name}/${version}`
    const loading = this.held.get(key) ?? this.read(name, version)
    // The one used last is the youngest; the oldest is dropped.
    this.held.delete(key)
    this.held.set(key, loading)
    loading.catch(() => this.held.delete(key))
    const [oldest] = this.held.keys()
    if (oldest !== undefined && this.held.size > MAX_CACHED) this.held.delete(oldest)
    return loading
  }

  private async read(name: string, version: string): Promise<TreeMember[]> {
    return Promise.all((await this.filesOf(name, version)).map(toTreeMember))
  }

  private async filesOf(name: string, version: string) {
    const files = await this.collections.files(name, version)
    if (files.length > 0) return files
    throw new RollcallError(
      'collection.not_found',
      `The version ${version.slice(0, 12)} of the playbooks ${name} is not kept any more. Run or plan it anew.`,
    )
  }
}
