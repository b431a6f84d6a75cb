import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readEntry, SEGMENT_BYTES, writeEntry } from '../../spool/log-format.ts'
import { countStreams, dropBelow, listSegments, logEnd, readLog } from '../../spool/log-reader.ts'
import { type CommandPaths, spoolPaths } from '../../spool/spool-paths.ts'
import { type Chunk, LogWriter, splitAt } from './log-writer.ts'

let folder: string
let paths: CommandPaths
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-log-'))
  paths = {
    ...spoolPaths(folder).command('x'),
    folder,
    log: (n) => join(folder, `log.${n}`),
    index: (n) => join(folder, `index.${n}`),
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const chunk = (type: Chunk['type'], text: string): Chunk => ({ type, data: Buffer.from(text) })
const texts = (offset: number, max = 1000, runs = 1000) =>
  readLog(paths, offset, max, runs).runs.map((run) => `${run.type}:${run.data}`)

test('a log entry is encoded and decoded unchanged, even beyond 4 GB', () => {
  const buffer = Buffer.alloc(16)
  const entry = { start: 5_000_000_000, type: 'stderr', atMs: 1_800_000_000_000 } as const
  writeEntry(buffer, 0, entry)
  expect(readEntry(buffer, 0)).toEqual(entry)
})

test('runs are read in order from every offset in every size', () => {
  const writer = new LogWriter(paths, () => 1)
  writer.append([chunk('stdout', 'aaa'), chunk('stderr', 'bb'), chunk('stderr', 'b')])
  writer.append([chunk('stderr', 'b'), chunk('stdout', 'c')])
  expect(texts(0)).toEqual(['stdout:aaa', 'stderr:bbbb', 'stdout:c'])
  const whole = 'aaabbbbc'
  for (let offset = 0; offset <= whole.length; offset++) {
    for (let max = 1; max <= 9; max++) {
      const got = readLog(paths, offset, max, 100)
        .runs.map((run) => run.data.toString())
        .join('')
      expect(got).toBe(whole.slice(offset, offset + max))
    }
  }
  expect(texts(0, 100, 2)).toEqual(['stdout:aaa', 'stderr:bbbb'])
  expect(texts(100)).toEqual([])
})

test('a log of several segments reads as one, and acknowledged segments are removed', () => {
  const writer = new LogWriter(paths, () => 1)
  const size = SEGMENT_BYTES * 2 + 100
  const data = Buffer.alloc(size, 'x')
  data.write('edge', SEGMENT_BYTES - 2)
  expect(
    writer.append([
      { type: 'stdout', data: data.subarray(0, size - 5) },
      { type: 'stderr', data: data.subarray(size - 5) },
    ]),
  ).toBe(size)
  expect(texts(SEGMENT_BYTES - 3, 6)).toEqual(['stdout:xedgex'])
  expect(countStreams(paths)).toEqual({ stdout: size - 5, stderr: 5 })
  dropBelow(paths, SEGMENT_BYTES - 1)
  expect(listSegments(paths)).toEqual([0, 1, 2])
  dropBelow(paths, size)
  expect(listSegments(paths)).toEqual([2])
  expect(readLog(paths, 0, 10, 10).isGone).toBe(true)
  expect(logEnd(paths)).toBe(size)
  expect(texts(size - 6)).toEqual(['stdout:x', 'stderr:xxxxx'])
})

test('a log that ends with its segment has an end and no gap behind it', () => {
  new LogWriter(paths, () => 1).append([{ type: 'stdout', data: Buffer.alloc(SEGMENT_BYTES) }])
  expect(readLog(paths, SEGMENT_BYTES, 10, 10)).toEqual({ runs: [], isGone: false })
  dropBelow(paths, SEGMENT_BYTES)
  expect(logEnd(paths)).toBe(SEGMENT_BYTES)
})

test('chunks are split at any byte without loss', () => {
  const chunks = [chunk('stdout', 'abc'), chunk('stderr', 'de')]
  const join = (list: Chunk[]) => list.map((each) => each.data.toString()).join('')
  for (let size = 0; size <= 6; size++) {
    const { fitting, left } = splitAt(chunks, size)
    expect(join(fitting)).toBe('abcde'.slice(0, size))
    expect(join(left)).toBe('abcde'.slice(size))
  }
})
