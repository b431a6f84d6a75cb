import { createHash, randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { MAX_CHUNK_BYTES, type TransferOrderInput } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { decodeFrame } from '../blobs/index.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { TransferCalls } from './transfer-calls.ts'

/** Pieces that are asked for ahead of the one that is handed on. */
const AHEAD = 3
/** The host is told that its copy is not wanted any more; what it does not hear of, it forgets after a day. */
const END_MS = 30_000

export type ReadOrder = Extract<TransferOrderInput, { kind: 'get_file' | 'list_tree' | 'get_files' }>

/** A copy of a file, of files one after the other, or of a list of them, made on its host at one moment. */
export interface HostFile {
  size: number
  /** Permission bits. */
  mode: number
  /** In order. The last one comes only when all of them are what the host has copied, by their hash. */
  pieces: AsyncIterable<Buffer>
  /** Has the copy removed. To be called once, whatever became of the pieces. */
  close(): void
}

/** Reads files and trees of hosts, through their agents. */
@Injectable()
export class AgentFileReader {
  private readonly calls: TransferCalls

  constructor(
    private readonly agents: AgentsService,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.calls = new TransferCalls(agents)
  }

  /** Throws `file.*` for what the host said, and `agent.*` where it could not be asked, before any piece is handed out. */
  async open(hostId: string, order: ReadOrder, signal: AbortSignal): Promise<HostFile> {
    const id = randomUUID()
    const close = () => this.close(hostId, id)
    try {
      await this.calls.start(hostId, id, order, signal).catch(asTooOld)
      const { result } = await this.calls.until(hostId, id, (state) => state.result !== null, signal)
      if (result?.error) throw new RollcallError(result.error.code, sanitizeText(result.error.message, 1000))
      const copy = result?.content
      if (!copy) throw damaged('the host does not say what it has copied')
      return { size: copy.size, mode: copy.mode, pieces: this.pieces(hostId, id, copy, signal), close }
    } catch (error) {
      close()
      throw error
    }
  }

  private async *pieces(
    hostId: string,
    id: string,
    { size, sha256 }: { size: number; sha256: string },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const count = Math.ceil(size / MAX_CHUNK_BYTES)
    const hash = createHash('sha256')
    const underWay: Promise<Buffer>[] = []
    for (let index = 0, asked = 0; index < count; index++) {
      for (; asked < count && asked < index + AHEAD; asked++) {
        const piece = this.piece(hostId, id, asked, size, signal)
        piece.catch(() => undefined) // thrown when its turn comes
        underWay.push(piece)
      }
      const piece = await (underWay.shift() as Promise<Buffer>)
      hash.update(piece)
      if (index === count - 1 && hash.digest('hex') !== sha256)
        throw damaged('it is not what the host has copied')
      yield piece
    }
  }

  private async piece(
    hostId: string,
    id: string,
    index: number,
    size: number,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const { frame, data } = await this.agents.call(
      hostId,
      'read_chunk',
      { transfer_id: id, index },
      { signal },
    )
    const wanted = Math.min(MAX_CHUNK_BYTES, size - index * MAX_CHUNK_BYTES)
    const bytes = Buffer.from(data, 'base64')
    const piece = await decodeFrame(bytes, { ...frame, raw_bytes: wanted }).catch(() => null)
    if (piece?.length !== wanted) throw damaged(`piece ${index} of it is damaged`)
    return piece
  }

  private close(hostId: string, id: string): void {
    this.calls
      .end(hostId, id, AbortSignal.timeout(END_MS))
      .catch((error) => this.log.debug({ err: error, hostId }, 'a host was not told that a copy is over'))
  }
}

/** What the contract allows and the agent does not know. */
function asTooOld(error: unknown): never {
  if (!(error instanceof RollcallError && error.code === 'request.invalid')) throw error
  throw new RollcallError(
    'agent.method_unknown',
    'The agent of this host is of a release that does not hand this out. Upgrade it: rollcall upgrade start.',
    { cause: error },
  )
}

const damaged = (why: string) =>
  new RollcallError('file.content_wrong', `The file cannot be used: ${why}. Copy it again.`)
