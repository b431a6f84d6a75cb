import type { LogType } from '@rollcall/contracts/agent'
import { ENTRY_BYTES } from '../commands/log-format.ts'
import type { SpoolLimits } from '../commands/spool-records.ts'
import { type Chunk, LogWriter } from './log-writer.ts'
import type { Cut, SpoolBudget } from './spool-budget.ts'

/** What is collected before it is written, in bytes; the rest of a turn of the event loop goes into one write. */
const FLUSH_AT = 256 * 1024
/** A piece of this size is written as it comes: whoever writes so much at once is not writing lines in turn. */
const WRITE_AT_ONCE = 16 * 1024

/**
 * The output of one command on its way to the disk. Data is taken at once and written at the end of the turn of the event
 * loop, so that nothing stands between two reads: the closer they are, the truer is the order of the two streams.
 * When there is no room, the program goes on, its bytes are counted as dropped, and a marker says so where they are missing.
 */
export class OutputSpool {
  readonly #id: string
  readonly #writer: LogWriter
  readonly #budget: SpoolBudget
  readonly #limits: SpoolLimits
  #pending: Chunk[] = []
  #pendingBytes = 0
  #flushing: NodeJS.Immediate | undefined
  #unmarked = 0
  #cut: Cut = 'the disk is full'
  /** Bytes of each stream that were kept, without markers. */
  readonly kept: Record<LogType, number> = { stdout: 0, stderr: 0 }
  dropped = 0

  constructor(id: string, writer: LogWriter, budget: SpoolBudget, limits: SpoolLimits) {
    this.#id = id
    this.#writer = writer
    this.#budget = budget
    this.#limits = limits
  }

  /** The caller reuses its buffer: what is not written at once is copied. A large piece is not worth a copy. */
  push(type: LogType, data: Buffer): void {
    const isLarge = data.length >= WRITE_AT_ONCE
    this.#pending.push({ type, data: isLarge ? data : Buffer.from(data) })
    this.#pendingBytes += data.length
    if (isLarge || this.#pendingBytes >= FLUSH_AT) this.flush()
    else this.#flushing ??= setImmediate(() => this.flush())
  }

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
      const cut = this.#budget.grant(this.#id, bytes, this.#limits)
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

  /** Writes what is left and the last marker. Nothing may be pushed afterwards. */
  finish(): void {
    this.flush()
    if (this.#unmarked > 0) this.#writeMarker(this.#marker())
    this.#writer.close()
    this.#budget.forget(this.#id)
  }

  #write(chunks: Chunk[]): void {
    let left = this.#writer.append(chunks)
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

  /** `false` when the disk did not take it; a part of it may stand in the log then, and the next one is whole. */
  #writeMarker(marker: Chunk): boolean {
    const isWhole = this.#writer.append([marker]) === marker.data.length
    if (isWhole) this.#unmarked = 0
    return isWhole
  }
}

export const openOutput = (
  id: string,
  paths: ConstructorParameters<typeof LogWriter>[0],
  budget: SpoolBudget,
  limits: SpoolLimits,
  now: () => number,
) => new OutputSpool(id, new LogWriter(paths, now), budget, limits)
