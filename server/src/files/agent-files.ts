import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import {
  MAX_CHUNK_BYTES,
  type TransferResult,
  type TransferState,
  type TreeFile,
} from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { type Blob, memoryBlob } from '../platform/blobs/blob.ts'
import { BlobStore } from '../platform/blobs/blob-store.ts'
import { BufferPool } from '../platform/blobs/buffer-pool.ts'
import { CHUNK_BUFFER_BYTES, type Chunk, chunksOf, LARGE_CHUNK_BYTES, type Part } from './content.ts'
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
  async uploadTree(
    hostId: string,
    upload: TreeUpload,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<TransferResult> {
    const manifest = await memoryBlob(Buffer.from(upload.files.map(manifestLine).join('\n')))
    const order = {
      kind: 'put_tree' as const,
      path: upload.destination,
      manifest: { size: manifest.size, sha256: manifest.sha256 },
      publish_as: upload.publishAs ?? null,
      ...placing(upload),
    }
    const id = upload.transferId ?? randomUUID()
    let state = await this.calls.start(hostId, id, order, signal)
    const list = partOfBlob(manifest)
    if (state.offset < manifest.size) await this.send(hostId, id, state.offset, [list], signal)
    state = await this.calls.until(
      hostId,
      id,
      ({ result, wanted }) => result !== null || wanted !== null,
      signal,
    )
    const wanted = (state.wanted ?? []).flatMap(([first, last]) => upload.files.slice(first, last + 1))
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
      this.buffers.give(chunk.buffer)
      largest = performance.now() - begun < QUICK_MS ? LARGE_CHUNK_BYTES : MAX_CHUNK_BYTES
      if (state.result !== null) hasEnded = true
      onProgress?.(Math.min(state.offset, total), total)
    }
    try {
      for await (const chunk of chunksOf(parts, from, this.buffers, () => largest)) {
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
      const answer = await this.agents.callWithBytes(hostId, 'write_chunk', params, bytes, signal)
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

const manifestLine = ({ path, size, sha256, mode }: TreeMember): string =>
  JSON.stringify({ path, size, sha256, mode })
