import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import type { LogType } from '@rollcall/contracts/agent'
import { isDiskFault } from '../../platform/files.ts'
import {
  ENTRY_BYTES,
  type RunEntry,
  SEGMENT_BYTES,
  segmentStart,
  toSegment,
  writeEntry,
} from '../../spool/log-format.ts'
import type { CommandPaths } from '../../spool/spool-paths.ts'

/** Output of one stream, as read. */
export interface Chunk {
  type: LogType
  data: Buffer
}

/**
 * Appends output to a command's log, each index entry before the bytes that it describes, so that a reader that reads the log's size first
 * finds an entry for every byte. Never throws for a disk fault, which must not end programs.
 */
export class LogWriter {
  #segment = -1
  #log = -1
  #index = -1
  #entries = 0
  #lastType: LogType | null = null
  /** The index has an extra entry that could not be truncated: nothing may follow it. */
  #isBroken = false
  /** Bytes in the log so far. */
  end = 0
  /** Bytes of the index so far, which use the budget too. */
  indexBytes = 0

  constructor(
    private readonly paths: CommandPaths,
    private readonly now: () => number,
  ) {}

  /** Writes as much as the disk accepts. Returns the number of bytes written. */
  append(chunks: Chunk[]): number {
    let written = 0
    let rest = chunks
    while (rest.length > 0 && !this.#isBroken) {
      const { fitting, left } = splitAt(rest, SEGMENT_BYTES - (this.end % SEGMENT_BYTES))
      const size = fitting.reduce((sum, chunk) => sum + chunk.data.length, 0)
      const done = this.#writeInSegment(fitting)
      written += done
      if (done < size) break
      rest = left
    }
    return written
  }

  #writeInSegment(chunks: Chunk[]): number {
    const before = this.end
    let kept = this.#entries
    let entries: RunEntry[] = []
    try {
      this.#openSegment()
      kept = this.#entries
      entries = this.#entriesFor(chunks)
      this.#writeEntries(entries)
      for (const chunk of chunks) this.#writeData(chunk)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      // Entries of runs that were not written must go, or the next run would start below them. Truncating needs no space.
      this.#truncateIndex(kept + entries.filter((entry) => entry.start < this.end).length)
    }
    return this.end - before
  }

  #openSegment(): void {
    const segment = toSegment(this.end)
    if (segment === this.#segment && this.#log >= 0) return
    this.close()
    this.#segment = segment
    this.#entries = 0
    this.#lastType = null
    this.#index = openSync(this.paths.index(segment), 'w', 0o600)
    this.#log = openSync(this.paths.log(segment), 'w', 0o600)
  }

  #entriesFor(chunks: Chunk[]): RunEntry[] {
    const entries: RunEntry[] = []
    const atMs = this.now()
    let start = this.end
    let lastType = this.#lastType
    for (const chunk of chunks) {
      if (chunk.type !== lastType) entries.push({ start, type: chunk.type, atMs })
      lastType = chunk.type
      start += chunk.data.length
    }
    return entries
  }

  #writeEntries(entries: RunEntry[]): void {
    if (entries.length === 0) return
    const buffer = Buffer.allocUnsafe(entries.length * ENTRY_BYTES)
    entries.forEach((entry, i) => {
      writeEntry(buffer, i * ENTRY_BYTES, entry)
    })
    let written = 0
    while (written < buffer.length) {
      const position = this.#entries * ENTRY_BYTES + written
      written += writeSync(this.#index, buffer, written, buffer.length - written, position)
    }
    this.#entries += entries.length
    this.indexBytes += buffer.length
  }

  #writeData(chunk: Chunk): void {
    let written = 0
    while (written < chunk.data.length) {
      const position = this.end - segmentStart(this.#segment)
      const n = writeSync(this.#log, chunk.data, written, chunk.data.length - written, position)
      written += n
      this.end += n
      this.#lastType = chunk.type
    }
  }

  #truncateIndex(entries: number): void {
    if (this.#index < 0) return
    try {
      ftruncateSync(this.#index, entries * ENTRY_BYTES)
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#isBroken = true
      return
    }
    this.indexBytes += (entries - this.#entries) * ENTRY_BYTES
    this.#entries = entries
    // Two entries of one stream in a row are allowed, a missing entry is not.
    this.#lastType = null
  }

  close(): void {
    for (const fd of [this.#log, this.#index]) {
      try {
        if (fd >= 0) closeSync(fd)
      } catch (error) {
        // The descriptor is closed nevertheless, and unwritten bytes were counted as dropped.
        if (!isDiskFault(error)) throw error
      }
    }
    this.#log = -1
    this.#index = -1
  }
}

/** Splits chunks so that the first part has at most `size` bytes. */
export function splitAt(chunks: Chunk[], size: number): { fitting: Chunk[]; left: Chunk[] } {
  let room = size
  for (const [i, chunk] of chunks.entries()) {
    if (chunk.data.length <= room) {
      room -= chunk.data.length
      continue
    }
    const head = { type: chunk.type, data: chunk.data.subarray(0, room) }
    const tail = { type: chunk.type, data: chunk.data.subarray(room) }
    return {
      fitting: [...chunks.slice(0, i), ...(room > 0 ? [head] : [])],
      left: [tail, ...chunks.slice(i + 1)],
    }
  }
  return { fitting: chunks, left: [] }
}
