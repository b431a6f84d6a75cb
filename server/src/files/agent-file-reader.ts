import { createHash, randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { MAX_CHUNK_BYTES, type TransferOrderInput } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { decodeFrame } from '../blobs/index.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { mapInOrder } from '../platform/map-in-order.ts'
import { HostTransfer } from './host-transfer.ts'

/** The number of chunks requested ahead of the one being yielded. */
const READ_AHEAD = 3
/** The timeout for releasing a copy; the host otherwise drops it after a day. */
const RELEASE_TIMEOUT_MS = 30_000

export type ReadRequest = Extract<TransferOrderInput, { kind: 'get_file' | 'list_tree' | 'get_files' }>

/** A copy of a file, of files in sequence or of a listing, made on its host at one moment. */
export interface HostFileCopy {
  size: number
  /** Permission bits. */
  mode: number
  /** Chunks in order. The last is yielded only after the hash of the whole copy is verified. */
  pieces: AsyncIterable<Buffer>
  /** Releases the copy. Call it once, whether or not all chunks were read. */
  close(): void
}

/** Reads files and trees of hosts through their agents. */
@Injectable()
export class AgentFileReader {
  constructor(
    private readonly agents: AgentsService,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /**
   * Opens a copy. Throws `file.*` for errors of the host and `agent.*` if the agent cannot be reached, before any chunk
   * is yielded.
   */
  async open(hostId: string, order: ReadRequest, signal: AbortSignal): Promise<HostFileCopy> {
    const transfer = new HostTransfer(this.agents, hostId, randomUUID(), signal)
    const close = () =>
      void transfer
        .end(AbortSignal.timeout(RELEASE_TIMEOUT_MS))
        .catch((error) => this.log.debug({ err: error, hostId }, 'failed to release a copy on a host'))
    try {
      await transfer.start(order).catch(throwTooOld)
      const { result } = await transfer.waitUntil((state) => state.result !== null)
      if (result?.error) throw new RollcallError(result.error.code, sanitizeText(result.error.message, 1000))
      const copy = result?.content
      if (!copy) throw damaged('the host did not describe the copy')
      return { size: copy.size, mode: copy.mode, pieces: readPieces(transfer, copy), close }
    } catch (error) {
      close()
      throw error
    }
  }
}

async function* readPieces(
  transfer: HostTransfer,
  { size, sha256 }: { size: number; sha256: string },
): AsyncGenerator<Buffer> {
  const count = Math.ceil(size / MAX_CHUNK_BYTES)
  const hash = createHash('sha256')
  const pieces = mapInOrder(Array(count).keys(), READ_AHEAD, (index) => readPiece(transfer, index, size))
  let yielded = 0
  for await (const piece of pieces) {
    hash.update(piece)
    if (++yielded === count && hash.digest('hex') !== sha256) throw damaged('its hash does not match')
    yield piece
  }
}

async function readPiece(transfer: HostTransfer, index: number, size: number): Promise<Buffer> {
  const { frame, data } = await transfer.read(index)
  const wanted = Math.min(MAX_CHUNK_BYTES, size - index * MAX_CHUNK_BYTES)
  const bytes = Buffer.from(data, 'base64')
  const piece = await decodeFrame(bytes, { ...frame, raw_bytes: wanted }).catch(() => null)
  if (piece?.length !== wanted) throw damaged(`chunk ${index} is damaged`)
  return piece
}

/** Replaces the error of an agent that does not know this kind of request. */
function throwTooOld(error: unknown): never {
  if (!(error instanceof RollcallError && error.code === 'request.invalid')) throw error
  throw new RollcallError(
    'agent.method_unknown',
    'The agent of this host is too old for this. Upgrade it: rollcall upgrade start',
    { cause: error },
  )
}

const damaged = (why: string) =>
  new RollcallError('file.content_wrong', `The copy of the file is invalid: ${why}. Copy it again.`)
