import type { LogType } from '@rollcall/contracts/agent'
import { ENTRY_BYTES } from '../../spool/log-format.ts'
import type { SpoolLimits } from '../../spool/spool-records.ts'
import { type Chunk, LogWriter } from './log-writer.ts'
import type { Cut, SpoolBudget } from './spool-budget.ts'

/** Bytes that are buffered before a write; otherwise a turn of the event loop is one write. */
const FLUSH_AT = 256 * 1024
/** A piece of this size is written immediately: it is not a line among lines of the other stream. */
const WRITE_IMMEDIATELY = 16 * 1024

/**
 * Buffers a command's output and writes it at the end of the turn of the event loop: the closer two reads are, the truer is the order of
 * the streams. Without room the bytes are dropped and counted, and a marker replaces them.
 */
export class OutputSpool {
  #pending: Chunk[] = []
  #pendingBytes = 0
  #flushing: NodeJS.Immediate | undefined
  #unmarked = 0
  #cut: Cut = 'the disk is full'
  /** Bytes of each stream that were kept, excluding markers. */
  readonly kept: Record<LogType, number> = { stdout: 0, stderr: 0 }
  dropped = 0

  constructor(
    private readonly id: string,
    private readonly writer: LogWriter,
    private readonly budget: SpoolBudget,
    private readonly limits: SpoolLimits,
  ) {}

  /** Adds output. The data is copied unless it is written at once, since the caller reuses its buffer. */
  push(type: LogType, data: Buffer): void {
    const isLarge = data.length >= WRITE_IMMEDIATELY
    this.#pending.push({ type, data: isLarge ? data : Buffer.from(data) })
    this.#pendingBytes += data.length
    if (isLarge || this.#pendingBytes >= FLUSH_AT) this.flush()
    else this.#flushing ??= setImmediate(() => this.flush())
  }

  /** Writes the buffered output. */
  flush(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    const chunks = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    let fitting: Chunk[] = []
    for (const chunk of chunks) {
      const marker = this.#unmarked > 0 ? this.#marker() : null
      const bytes = chunk.data.length + (marker?.data.length ?? 0) + ENTRY_BYTES
      const cut = this.budget.grant(this.id, bytes, this.limits)
      if (cut !== null) {
        this.#write(fitting)
        fitting = []
        this.#drop(chunk.data.length, cut)
        continue
      }
      if (marker === null) fitting.push(chunk)
      else if (this.#writeMarker(marker)) fitting.push(chunk)
      else this.#drop(chunk.data.length, 'the disk is full')
    }
    this.#write(fitting)
  }

  /** Writes the rest and the last marker, and closes the log. */
  finish(): void {
    this.flush()
    if (this.#unmarked > 0) this.#writeMarker(this.#marker())
    this.writer.close()
    this.budget.forget(this.id)
  }

  #write(chunks: Chunk[]): void {
    let left = this.writer.append(chunks)
    for (const { type, data } of chunks) {
      const kept = Math.min(left, data.length)
      left -= kept
      this.kept[type] += kept
      if (kept < data.length) this.#drop(data.length - kept, 'the disk is full')
    }
  }

  #drop(bytes: number, cut: Cut): void {
    this.dropped += bytes
    this.#unmarked += bytes
    this.#cut = cut
  }

  #marker(): Chunk {
    const text = `\n[rollcall] ${this.#unmarked} bytes of output were cut here: ${this.#cut}\n`
    return { type: 'stderr', data: Buffer.from(text) }
  }

  /** Returns false if the disk refused the marker; a part of it may be in the log, and the next one is complete. */
  #writeMarker(marker: Chunk): boolean {
    const isComplete = this.writer.append([marker]) === marker.data.length
    if (isComplete) this.#unmarked = 0
    return isComplete
  }
}

/** Opens the spool of a command's output. */
export const openOutput = (
  id: string,
  paths: ConstructorParameters<typeof LogWriter>[0],
  budget: SpoolBudget,
  limits: SpoolLimits,
  now: () => number,
) => new OutputSpool(id, new LogWriter(paths, now), budget, limits)
