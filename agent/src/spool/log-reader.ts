import { fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import type { LogType } from '@rollcall/contracts/agent'
import { closing, openIfThere } from '../platform/files.ts'
import {
  ENTRY_BYTES,
  type RunEntry,
  readEntry,
  SEGMENT_BYTES,
  segmentStart,
  toSegment,
} from './log-format.ts'
import type { CommandPaths } from './spool-paths.ts'

export interface LogRun {
  type: LogType
  data: Buffer
}

export interface LogSlice {
  runs: LogRun[]
  /** The requested offset is below the first byte that is kept. */
  isGone: boolean
}

/**
 * Reads at most `maxBytes` in at most `maxRuns` runs from `offset` on, joining adjacent runs of one stream. Costs a binary search in
 * one index, however long the log is.
 */
export function readLog(paths: CommandPaths, offset: number, maxBytes: number, maxRuns: number): LogSlice {
  const runs: LogRun[] = []
  let position = offset
  const end = offset + maxBytes
  for (let segment = toSegment(offset); position < end; segment++) {
    const log = openIfThere(paths.log(segment))
    if (log === null) {
      const [lowest] = position === offset ? listSegments(paths) : []
      return { runs, isGone: lowest !== undefined && segment < lowest }
    }
    using _log = closing(log)
    // The size is read before the index, and the writer writes an entry before its bytes: every byte read here has its entry.
    const size = segmentStart(segment) + fstatSync(log).size
    const stop = Math.min(end, size)
    if (position < stop) {
      position = readSegment(paths, segment, log, position, stop, maxRuns, runs)
    }
    if (position < stop || size < segmentStart(segment + 1)) break
  }
  return { runs, isGone: false }
}

function readSegment(
  paths: CommandPaths,
  segment: number,
  log: number,
  from: number,
  stop: number,
  maxRuns: number,
  runs: LogRun[],
): number {
  const index = openSync(paths.index(segment), 'r')
  using _index = closing(index)
  let position = from
  const count = Math.floor(fstatSync(index).size / ENTRY_BYTES)
  const first = findRun(index, count, from)
  const wanted = Math.min(count - first, maxRuns - runs.length + 1)
  const entries = readEntries(index, first, wanted)
  const limit = first + wanted < count ? Math.min(stop, entries.at(-1)?.start ?? from) : stop
  const data = Buffer.allocUnsafe(Math.max(0, limit - from))
  const got = readFully(log, data, from - segmentStart(segment))
  for (const [i, entry] of entries.entries()) {
    const runEnd = Math.min(entries[i + 1]?.start ?? limit, from + got)
    if (runEnd <= position) break
    const last = runs.at(-1)
    const piece = data.subarray(position - from, runEnd - from)
    if (last?.type === entry.type) last.data = Buffer.concat([last.data, piece])
    else if (runs.length < maxRuns) runs.push({ type: entry.type, data: piece })
    else break
    position = runEnd
  }
  return position
}

/** Returns the number of the last entry that starts at or below `offset`. */
function findRun(index: number, count: number, offset: number): number {
  let low = 0
  let high = count - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const [entry] = readEntries(index, middle, 1)
    if (entry !== undefined && entry.start <= offset) low = middle
    else high = middle - 1
  }
  return low
}

function readEntries(index: number, first: number, count: number): RunEntry[] {
  const buffer = Buffer.allocUnsafe(count * ENTRY_BYTES)
  const got = Math.floor(readFully(index, buffer, first * ENTRY_BYTES) / ENTRY_BYTES)
  return Array.from({ length: got }, (_, i) => readEntry(buffer, i * ENTRY_BYTES))
}

function readFully(fd: number, buffer: Buffer, position: number): number {
  let got = 0
  while (got < buffer.length) {
    const n = readSync(fd, buffer, got, buffer.length - got, position + got)
    if (n === 0) break
    got += n
  }
  return got
}

/** Lists the segments that are kept, in order. */
export function listSegments(paths: CommandPaths): number[] {
  return readdirSync(paths.folder)
    .filter((name) => /^log\.\d+$/.test(name))
    .map((name) => Number(name.slice(4)))
    .sort((a, b) => a - b)
}

/** Returns the total bytes written, kept or not. */
export function logEnd(paths: CommandPaths): number {
  const last = listSegments(paths).at(-1)
  if (last === undefined) return 0
  const log = openIfThere(paths.log(last))
  if (log === null) return segmentStart(last)
  using _log = closing(log)
  return segmentStart(last) + fstatSync(log).size
}

/** Unlinks the segments below `offset`, except the newest, whose size defines the end of the log. */
export function dropBelow(paths: CommandPaths, offset: number): void {
  if (offset < SEGMENT_BYTES) return
  for (const segment of listSegments(paths).slice(0, -1)) {
    if (segmentStart(segment + 1) > offset) break
    rmSync(paths.log(segment), { force: true })
    rmSync(paths.index(segment), { force: true })
  }
}

/** Counts the kept bytes of each stream by reading the whole index, for a command whose own count was lost. */
export function countStreams(paths: CommandPaths): Record<LogType, number> {
  const counts: Record<LogType, number> = { stdout: 0, stderr: 0 }
  for (const segment of listSegments(paths)) {
    const log = openIfThere(paths.log(segment))
    if (log === null) continue
    using _log = closing(log)
    const index = openSync(paths.index(segment), 'r')
    using _index = closing(index)
    const end = segmentStart(segment) + fstatSync(log).size
    const count = Math.floor(fstatSync(index).size / ENTRY_BYTES)
    for (let first = 0; first < count; first += ENTRIES_PER_READ) {
      const entries = readEntries(index, first, Math.min(ENTRIES_PER_READ + 1, count - first))
      for (const [i, entry] of entries.slice(0, ENTRIES_PER_READ).entries()) {
        counts[entry.type] += Math.max(0, Math.min(entries[i + 1]?.start ?? end, end) - entry.start)
      }
    }
  }
  return counts
}

const ENTRIES_PER_READ = 4096
