import { type HeldCommand, joinChunks } from '../commands/index.ts'

/** Above this many bytes that wait to be stored, whoever writes has to wait. */
const HIGH_WATER_BYTES = 256 * 1024

type Chunk = Parameters<typeof joinChunks>[0][number]

/**
 * The output of an installation or removal, stored and shown like any command's. What comes while a piece is being
 * stored goes into the next one, so many small lines cost few writes.
 */
export class ProvisioningLog {
  private waiting: Chunk[] = []
  private waitingBytes = 0
  private storing: Promise<void> | undefined

  constructor(
    private readonly held: HeldCommand,
    private offset: number,
  ) {}

  /** A line of our own. */
  line(text: string, stream: Chunk['stream'] = 'stdout'): Promise<void> {
    return this.write(stream, Buffer.from(`[rollcall] ${text}\n`))
  }

  /** Resolves at once while there is room, and otherwise when there is. Throws what storing threw. */
  async write(stream: Chunk['stream'], data: Buffer): Promise<void> {
    if (data.length === 0) return
    this.waiting.push({ stream, data })
    this.waitingBytes += data.length
    this.storing ??= this.store()
    if (this.waitingBytes > HIGH_WATER_BYTES) await this.storing
  }

  /** Resolves when everything is stored. Throws what storing threw. */
  async flush(): Promise<void> {
    await this.storing
  }

  /** A failed store stays in `storing`, so that whoever writes or flushes next sees the failure. */
  private store(): Promise<void> {
    const storing = this.storeAll()
    storing.catch(() => undefined)
    return storing
  }

  private async storeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const piece = joinChunks(this.waiting)
      this.waiting = []
      this.waitingBytes = 0
      await this.held.append(this.offset, piece)
      this.offset += piece.data.length
    }
    // Here and not in a callback: what is written a moment later must find that nobody stores any more.
    this.storing = undefined
  }
}
