import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  MAX_CHUNK_BYTES,
  type TransferResult,
  type TransferState,
  type TreeFile,
  type TreeFolder,
  type TreeLink,
} from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { type Blob, BlobStore, BufferPool, memoryBlob } from '../blobs/index.ts'
import { CHUNK_BUFFER_BYTES, type Chunk, LARGE_CHUNK_BYTES, type Part, toChunks } from './content.ts'
import { STALL_MS, stalled, TransferCalls } from './transfer-calls.ts'

/** Where content comes from: a file of this machine, content that the store has by its hash, or a blob. */
export type FileSource = { path: string } | { sha256: string } | { blob: Blob }

interface Placing {
  /** Chosen by the caller where it wants to go on with the same transfer after a crash; any other time a new one. */
  transferId?: string
  /** Absolute, on the host. */
  destination: string
  /** `user:group`; null keeps that of a file that is there, and is root's for a new one. */
  owner?: string | null
  /** Makes missing folders on the way, as root's and with mode 755. The default is false. */
  makeParents?: boolean
}

export interface Upload extends Placing {
  source: FileSource
  /** Permission bits; null keeps those of a file that is there, and is 644 for a new one. */
  mode?: number | null
}

export interface TreeUpload extends Placing {
  files: readonly TreeMember[]
  /** The name of a link beside the tree that is set to it in the end; `destination` must end in a hash then. */
  publishAs?: string
}

export interface TreeMember extends TreeFile {
  source: { sha256: string } | { blob: Blob }
}

export interface TreeSync extends Placing {
  /** In the order of the list: files with their content, links and folders. */
  entries: readonly (TreeMember | TreeLink | TreeFolder)[]
  /** Removes what is there and not in the list. */
  deletesOthers: boolean
  /** Changes nothing, and tells what would be. */
  isDryRun: boolean
}

/** Bytes of content that are in place, of those that have to be. */
export type OnProgress = (bytes: number, total: number) => void

/** Requests with content on their way to one host at once. */
const IN_FLIGHT = 3
const BUFFERS_KEPT = 16
/** A host that takes a request within this gets larger ones: far from what an agent gives a request, which is half a minute. */
const QUICK_MS = 2000

/**
 * Puts files onto a host, through its agent. Sent in pieces and gone on with where it broke; placed whole and at once, or not at all; what
 * is there already with the same content is not sent.
 */
@Injectable()
export class AgentFiles {
  private readonly calls: TransferCalls
  private readonly buffers = new BufferPool(CHUNK_BUFFER_BYTES, BUFFERS_KEPT)

  constructor(
    private readonly agents: AgentsService,
    private readonly blobs: BlobStore,
  ) {
    this.calls = new TransferCalls(agents)
  }

  /**
   * Places one file. Resolves when it is in its place and on the disk. Throws `file.*` for what the host said, `agent.*` when it could not be
   * asked, and the reason of `signal`; after the last two the same `transferId` goes on where it broke.
   */
  async upload(
    hostId: string,
    upload: Upload,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<TransferResult> {
    const { part, sha256 } = await this.partOf(upload.source)
    const order = {
      kind: 'put_file' as const,
      path: upload.destination,
      size: part.size,
      sha256,
      mode: upload.mode ?? null,
      ...placing(upload),
    }
    const id = upload.transferId ?? randomUUID()
    const state = await this.calls.start(hostId, id, order, signal)
    return this.finish(hostId, id, state, async () => [part], signal, onProgress)
  }

  /** Places the files of a tree; each at once, and other files that are there stay. Throws as `upload` does. */
  uploadTree(
    hostId: string,
    upload: TreeUpload,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<TransferResult> {
    const { files, publishAs, ...rest } = upload
    const more = { kind: 'put_tree' as const, publish_as: publishAs ?? null }
    return this.placeTree(
      hostId,
      { ...rest, lines: files.map(plainLine), entries: files, more },
      signal,
      onProgress,
    )
  }

  /**
   * Brings a tree in step, with links, folders and times. To an agent of an earlier release only the files of one go. Throws as `upload` does,
   * and `agent.method_unknown` for what such an agent cannot do.
   */
  async syncTree(
    hostId: string,
    sync: TreeSync,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<TransferResult> {
    const { entries, deletesOthers, isDryRun, ...rest } = sync
    const more = { kind: 'sync_tree' as const, delete: deletesOthers, dry_run: isDryRun }
    const files = entries.filter(isMember)
    try {
      return await this.placeTree(
        hostId,
        { ...rest, lines: entries.map(entryLine), entries, more },
        signal,
        onProgress,
      )
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'request.invalid') throw error
      // Only files, of which none has to go: an agent of an earlier release can do that.
      const hasMore = deletesOthers || isDryRun || entries.some((entry) => 'link' in entry)
      if (hasMore)
        throw new RollcallError(
          'agent.method_unknown',
          'The agent of this host is too old for links, --delete and --dry-run. Upgrade it first: rollcall upgrade start --host NAME.',
          { cause: error },
        )
      return this.uploadTree(hostId, { ...rest, files }, signal, onProgress)
    }
  }

  private async placeTree(
    hostId: string,
    tree: Placing & {
      lines: readonly string[]
      entries: readonly (TreeMember | TreeLink | TreeFolder)[]
      more:
        | { kind: 'put_tree'; publish_as: string | null }
        | { kind: 'sync_tree'; delete: boolean; dry_run: boolean }
    },
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<TransferResult> {
    const manifest = await memoryBlob(Buffer.from(tree.lines.join('\n')))
    const order = {
      ...tree.more,
      path: tree.destination,
      manifest: { size: manifest.size, sha256: manifest.sha256 },
      ...placing(tree),
    }
    const id = tree.transferId ?? randomUUID()
    let state = await this.calls.start(hostId, id, order, signal)
    const list = partOfBlob(manifest)
    if (state.offset < manifest.size) await this.send(hostId, id, state.offset, [list], signal)
    state = await this.calls.until(
      hostId,
      id,
      ({ result, wanted }) => result !== null || wanted !== null,
      signal,
    )
    const wanted = (state.wanted ?? []).flatMap(([first, last]) =>
      tree.entries.slice(first, last + 1).filter(isMember),
    )
    const parts = () =>
      Promise.all(wanted.map(async (file) => (await this.partOf(file.source, file.size)).part))
    return this.finish(hostId, id, state, async () => [list, ...(await parts())], signal, onProgress)
  }

  /** Breaks a transfer off, or forgets an ended one: what was not yet in place is removed. Safe to repeat. */
  abandon(hostId: string, transferId: string, signal?: AbortSignal): Promise<void> {
    return this.calls.end(hostId, transferId, signal)
  }

  private async finish(
    hostId: string,
    id: string,
    state: TransferState,
    partsOf: () => Promise<Part[]>,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<TransferResult> {
    let end = state
    if (end.result === null) {
      const parts = await partsOf()
      await this.send(hostId, id, end.offset, parts, signal, onProgress)
      end = await this.calls.until(hostId, id, ({ result }) => result !== null, signal)
    }
    await this.abandon(hostId, id, signal)
    const { result } = end
    if (result?.error) throw new RollcallError(result.error.code, sanitizeText(result.error.message, 1000))
    return result as TransferResult
  }

  /** Sends content from `from` on, some requests at a time. Ends early when the transfer has. */
  private async send(
    hostId: string,
    id: string,
    from: number,
    parts: readonly Part[],
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<void> {
    const total = parts.reduce((sum, { size }) => sum + size, 0)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const underWay = new Set<Promise<void>>()
    let hasEnded = false
    let largest = MAX_CHUNK_BYTES
    const sendOne = async (chunk: Chunk) => {
      const begun = performance.now()
      const state = await this.sendChunk(hostId, id, chunk, either)
      // One that was broken off may still be on its way out: its buffer is not used again.
      this.buffers.release(chunk.buffer)
      largest = performance.now() - begun < QUICK_MS ? LARGE_CHUNK_BYTES : MAX_CHUNK_BYTES
      if (state.result !== null) hasEnded = true
      onProgress?.(Math.min(state.offset, total), total)
    }
    try {
      for await (const chunk of toChunks(parts, from, this.buffers, () => largest)) {
        const sending = sendOne(chunk).finally(() => underWay.delete(sending))
        underWay.add(sending)
        sending.catch(() => undefined) // told below
        if (underWay.size >= IN_FLIGHT) await Promise.race(underWay)
        if (hasEnded) break
      }
      await Promise.all(underWay)
    } catch (error) {
      stop.abort(error)
      await Promise.allSettled(underWay)
      throw error
    }
  }

  private async sendChunk(
    hostId: string,
    id: string,
    chunk: Chunk,
    signal: AbortSignal,
  ): Promise<TransferState> {
    const { offset, frames, bytes } = chunk
    const deadline = performance.now() + STALL_MS
    while (true) {
      const params = { transfer_id: id, offset, frames }
      const answer = await this.agents.call(hostId, 'write_chunk', params, { bytes, signal })
      if (answer.accepted || answer.state.result !== null) return answer.state
      if (performance.now() > deadline) throw stalled()
    }
  }

  private async partOf(source: FileSource, size?: number): Promise<{ part: Part; sha256: string }> {
    if ('blob' in source) return { part: partOfBlob(source.blob), sha256: source.blob.sha256 }
    const { sha256 } = 'path' in source ? await this.blobs.addFile(source.path) : source
    const open = async () => {
      const blob = await this.blobs.find(sha256)
      if (blob) return blob
      throw new RollcallError(
        'file.content_gone',
        `The server does not have the content ${sha256} any more. Send it again.`,
      )
    }
    if (size !== undefined) return { part: { size, open }, sha256 }
    const blob = await open()
    await blob.close()
    return { part: { size: blob.size, open }, sha256 }
  }
}

const partOfBlob = (blob: Blob): Part => ({ size: blob.size, open: async () => blob })

const placing = ({ owner, makeParents }: Placing) => ({
  owner: owner ?? null,
  make_parents: makeParents ?? false,
})

const plainLine = ({ path, size, sha256, mode }: TreeMember): string =>
  JSON.stringify({ path, size, sha256, mode })

const entryLine = (entry: TreeMember | TreeLink | TreeFolder): string => {
  if (!isMember(entry)) return JSON.stringify(entry)
  const { source: _source, ...file } = entry
  return JSON.stringify(file)
}

const isMember = (entry: TreeMember | TreeLink | TreeFolder): entry is TreeMember => 'source' in entry
