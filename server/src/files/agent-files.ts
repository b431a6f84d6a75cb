import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { MAX_CHUNK_BYTES, type TransferResult, type TransferState } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { type Blob, BlobStore, BufferPool, memoryBlob } from '../blobs/index.ts'
import { CHUNK_BUFFER_BYTES, type Chunk, LARGE_CHUNK_BYTES, type Part, toChunks } from './content.ts'
import { HostTransfer } from './host-transfer.ts'
import { isMember, type TreeEntry, type TreeMember, toEntryLine, toPlainLine } from './tree-manifest.ts'

/** The source of content: a file of this machine, stored content by hash, a blob, or one of another store that is opened when it is sent. */
export type FileSource =
  | { path: string }
  | { sha256: string }
  | { blob: Blob }
  | { sha256: string; open: () => Promise<Blob> }

interface Placement {
  /** Set by the caller to resume the same transfer after a crash; random by default. */
  transferId?: string
  /** An absolute path on the host. */
  destination: string
  /** `user:group`; null keeps the owner of an existing file and is root for a new one. */
  owner?: string | null
  /** Creates missing parent folders, owned by root with mode 755. The default is false. */
  makeParents?: boolean
  onProgress?: OnProgress
}

export interface Upload extends Placement {
  source: FileSource
  /** Permission bits; null keeps those of an existing file and is 644 for a new one. */
  mode?: number | null
}

export interface TreeUpload extends Placement {
  files: readonly TreeMember[]
  /** The name of a link beside the tree that points to it at the end; `destination` must then end in a hash. */
  publishAs?: string
}

export interface TreeSync extends Placement {
  /** Files with content, links and folders, in list order. */
  entries: readonly TreeEntry[]
  /** Removes entries on the host that are not in the list. */
  deletesOthers: boolean
  /** Changes nothing and reports what would change. */
  isDryRun: boolean
}

/** Receives the number of bytes in place and the total. */
export type OnProgress = (bytes: number, total: number) => void

/** The number of chunks in flight to one host. */
const MAX_IN_FLIGHT = 3
const MAX_POOLED_BUFFERS = 16
/**
 * A host that accepts a chunk within this time gets larger ones. It is far below an agent's request timeout of half a
 * minute.
 */
const FAST_CHUNK_MS = 2000

/**
 * Places files on hosts through their agents. Transfers are chunked, resumable and atomic, and skip content that is
 * already in place.
 */
@Injectable()
export class AgentFiles {
  private readonly buffers = new BufferPool(CHUNK_BUFFER_BYTES, MAX_POOLED_BUFFERS)

  constructor(
    private readonly agents: AgentsService,
    private readonly blobs: BlobStore,
  ) {}

  /**
   * Places one file; resolves when it is durable. Throws `file.*` for errors of the host, `agent.*` if the agent cannot
   * be reached, or the signal's reason; after the last two, the same `transferId` resumes.
   */
  async upload(hostId: string, upload: Upload, signal: AbortSignal): Promise<TransferResult> {
    const { part, sha256 } = await this.toPart(upload.source)
    const order = {
      kind: 'put_file' as const,
      path: upload.destination,
      size: part.size,
      sha256,
      mode: upload.mode ?? null,
      ...toPlacementParams(upload),
    }
    const transfer = this.transfer(hostId, upload.transferId, signal)
    return this.finish(transfer, await transfer.start(order), async () => [part], upload.onProgress)
  }

  /** Places the files of a tree, each atomically; other files stay. Throws like `upload`. */
  uploadTree(hostId: string, upload: TreeUpload, signal: AbortSignal): Promise<TransferResult> {
    const { files, publishAs, ...rest } = upload
    const more = { kind: 'put_tree' as const, publish_as: publishAs ?? null }
    return this.placeTree(hostId, { ...rest, lines: files.map(toPlainLine), entries: files, more }, signal)
  }

  /**
   * Synchronises a tree with links, folders and times; agents of earlier releases get only files. Throws like `upload`,
   * and `agent.method_unknown` for what such an agent cannot do.
   */
  async syncTree(hostId: string, sync: TreeSync, signal: AbortSignal): Promise<TransferResult> {
    const { entries, deletesOthers, isDryRun, ...rest } = sync
    const more = { kind: 'sync_tree' as const, delete: deletesOthers, dry_run: isDryRun }
    try {
      const tree = { ...rest, lines: entries.map(toEntryLine), entries, more }
      return await this.placeTree(hostId, tree, signal)
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'request.invalid') throw error
      // An agent of an earlier release can place plain files if none must be removed.
      const hasMore = deletesOthers || isDryRun || entries.some((entry) => 'link' in entry)
      if (hasMore)
        throw new RollcallError(
          'agent.method_unknown',
          'The agent of this host is too old for links, --delete and --dry-run. Upgrade it: rollcall upgrade start --host NAME',
          { cause: error },
        )
      return this.uploadTree(hostId, { ...rest, files: entries.filter(isMember) }, signal)
    }
  }

  private async placeTree(
    hostId: string,
    tree: Placement & {
      lines: readonly string[]
      entries: readonly TreeEntry[]
      more:
        | { kind: 'put_tree'; publish_as: string | null }
        | { kind: 'sync_tree'; delete: boolean; dry_run: boolean }
    },
    signal: AbortSignal,
  ): Promise<TransferResult> {
    const manifest = await memoryBlob(Buffer.from(tree.lines.join('\n')))
    const order = {
      ...tree.more,
      path: tree.destination,
      manifest: { size: manifest.size, sha256: manifest.sha256 },
      ...toPlacementParams(tree),
    }
    const transfer = this.transfer(hostId, tree.transferId, signal)
    let state = await transfer.start(order)
    const list = toBlobPart(manifest)
    if (state.offset < manifest.size) await this.send(transfer, state.offset, [list])
    state = await transfer.waitUntil(({ result, wanted }) => result !== null || wanted !== null)
    const wanted = (state.wanted ?? []).flatMap(([first, last]) =>
      tree.entries.slice(first, last + 1).filter(isMember),
    )
    const parts = () =>
      Promise.all(wanted.map(async (file) => (await this.toPart(file.source, file.size)).part))
    return this.finish(transfer, state, async () => [list, ...(await parts())], tree.onProgress)
  }

  /** Cancels a transfer or releases an ended one; files not yet in place are discarded. Safe to repeat. */
  cancel(hostId: string, transferId: string, signal: AbortSignal): Promise<void> {
    return this.transfer(hostId, transferId, signal).end()
  }

  private transfer(hostId: string, id: string | undefined, signal: AbortSignal): HostTransfer {
    return new HostTransfer(this.agents, hostId, id ?? randomUUID(), signal)
  }

  private async finish(
    transfer: HostTransfer,
    state: TransferState,
    partsOf: () => Promise<Part[]>,
    onProgress: OnProgress | undefined,
  ): Promise<TransferResult> {
    let end = state
    if (end.result === null) {
      await this.send(transfer, end.offset, await partsOf(), onProgress)
      end = await transfer.waitUntil(({ result }) => result !== null)
    }
    await transfer.end()
    const { result } = end
    if (result?.error) throw new RollcallError(result.error.code, sanitizeText(result.error.message, 1000))
    return result as TransferResult
  }

  /** Sends content from byte `from` with several chunks in flight. Returns early if the transfer ends. */
  private async send(
    transfer: HostTransfer,
    from: number,
    parts: readonly Part[],
    onProgress?: OnProgress,
  ): Promise<void> {
    const total = parts.reduce((sum, { size }) => sum + size, 0)
    const stop = new AbortController()
    const either = AbortSignal.any([transfer.signal, stop.signal])
    const inFlight = new Set<Promise<void>>()
    let hasEnded = false
    let largest = MAX_CHUNK_BYTES
    const sendOne = async (chunk: Chunk) => {
      const begun = performance.now()
      const state = await transfer.write(chunk, either)
      // The buffer of an aborted chunk may still be in use, so it is not reused.
      this.buffers.release(chunk.buffer)
      largest = performance.now() - begun < FAST_CHUNK_MS ? LARGE_CHUNK_BYTES : MAX_CHUNK_BYTES
      if (state.result !== null) hasEnded = true
      onProgress?.(Math.min(state.offset, total), total)
    }
    try {
      for await (const chunk of toChunks(parts, from, this.buffers, () => largest)) {
        const sending = sendOne(chunk).finally(() => inFlight.delete(sending))
        inFlight.add(sending)
        sending.catch(() => undefined) // thrown below
        if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight)
        if (hasEnded) break
      }
      await Promise.all(inFlight)
    } catch (error) {
      stop.abort(error)
      await Promise.allSettled(inFlight)
      throw error
    }
  }

  private async toPart(source: FileSource, size?: number): Promise<{ part: Part; sha256: string }> {
    if ('blob' in source) return { part: toBlobPart(source.blob), sha256: source.blob.sha256 }
    const { sha256 } = 'path' in source ? await this.blobs.addFile(source.path) : source
    const openStored = async () => {
      const blob = await this.blobs.find(sha256)
      if (blob) return blob
      throw new RollcallError(
        'file.content_gone',
        `The server no longer has the content ${sha256}. Upload it again.`,
      )
    }
    const open = 'open' in source ? source.open : openStored
    if (size !== undefined) return { part: { size, open }, sha256 }
    const blob = await open()
    await blob.close()
    return { part: { size: blob.size, open }, sha256 }
  }
}

const toBlobPart = (blob: Blob): Part => ({ size: blob.size, open: async () => blob })

const toPlacementParams = ({ owner, makeParents }: Placement) => ({
  owner: owner ?? null,
  make_parents: makeParents ?? false,
})
