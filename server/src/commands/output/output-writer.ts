import type { CommandLease } from '../command-lease.ts'
import { joinChunks, type StreamChunk } from './domain/output.ts'

/** Above this many bytes that wait to be stored, writers have to wait. */
const HIGH_WATER_BYTES = 256 * 1024

/**
 * Stores what a handler writes as the output of its command. What comes while a piece is being stored goes into the next
 * one, so many small lines cost few writes.
 */
export class OutputWriter {
  private waiting: StreamChunk[] = []
  private waitingBytes = 0
  private storing: Promise<void> | undefined
  private offset: number

  constructor(private readonly lease: Pick<CommandLease, 'takenBytes' | 'report'>) {
    this.offset = lease.takenBytes
  }

  /** Writes a line of the server's own. Resolves and throws as `write` does. */
  line(text: string, stream: StreamChunk['stream'] = 'stdout'): Promise<void> {
    return this.write(stream, Buffer.from(`[rollcall] ${text}\n`))
  }

  /** Resolves at once while there is room, and otherwise when there is. Throws what storing threw. */
  async write(stream: StreamChunk['stream'], data: Buffer): Promise<void> {
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

  /** A failed store stays in `storing`, so that the next `write` or `flush` throws it. */
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
      await this.lease.report({ kind: 'output', offset: this.offset, piece })
      this.offset += piece.data.length
    }
    // Here and not in a callback: what is written a moment later must find that no store is under way.
    this.storing = undefined
  }
}
