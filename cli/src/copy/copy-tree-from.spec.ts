import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Context } from '../context.ts'
import { copyTree } from './copy-tree-from.ts'

let folder: string
let place: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-tree-'))
  place = join(folder, 'here')
  await mkdir(place)
})
afterEach(() => rm(folder, { recursive: true }))

const END = { left_out: [], left_out_count: 0 }
const file = (path: string, content: string) => ({
  path,
  size: content.length,
  mode: 0o644,
  sha256: createHash('sha256').update(content).digest('hex'),
})

/** A host that answers so, whatever is asked. */
function copyFrom(lines: readonly unknown[], contents: string, notices: string[] = []) {
  const list = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  const open = async (name: string) => {
    const text = name === 'listHostTree' ? list : contents
    return { body: Readable.from([Buffer.from(text)]), size: Buffer.byteLength(text) }
  }
  const context = { api: { open }, notice: (line: string) => notices.push(line) }
  return copyTree(context as unknown as Context, 'web-1', '/srv', place)
}

describe('a folder of a host', () => {
  it('a folder is copied with all its files, and only once', async () => {
    const copied = await copyFrom([file('a/b', 'one'), file('c', ''), END], 'one')
    expect(copied).toMatchObject({ state: 'success', bytes: 3, fetched: 2, unchanged: 0 })
    expect(await readFile(join(place, 'a/b'), 'utf8')).toBe('one')
    expect(await copyFrom([file('a/b', 'one'), file('c', ''), END], '')).toMatchObject({ unchanged: 2 })
  })

  it.each([
    ['a path that leads out of it', [file('../out', 'x'), END]],
    ['an absolute path', [file('/etc/out', 'x'), END]],
    ['a list without its end', [file('a', 'x')]],
    ['no JSON', ['<html>', END]],
    ['something else', [{ ...file('a', 'x'), owner: 'root' }, END]],
    ['nothing', []],
  ])('a host that answers with %s gets nothing written', async (_what, lines) => {
    const copied = await copyFrom(lines, 'x')
    expect(copied).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('not send a valid list of the folder'),
    })
    expect([await readdir(folder), await readdir(place)]).toEqual([['here'], []])
  })

  it('a host that sends other content, or less, leaves no partial file', async () => {
    expect(await copyFrom([file('a', 'one'), END], 'two')).toMatchObject({
      reason: expect.stringContaining('a changed while the folder was copied'),
    })
    expect(await copyFrom([file('a', 'one'), END], 'on')).toMatchObject({
      reason: expect.stringContaining('connection was lost'),
    })
    expect(await readdir(place)).toEqual([])
  })

  it('a folder is not written through a local link', async () => {
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(elsewhere)
    await symlink(elsewhere, join(place, 'sub'))
    expect(await copyFrom([file('sub/a', 'one'), END], 'one')).toMatchObject({ state: 'failed' })
    expect(await readdir(elsewhere)).toEqual([])
  })

  it('control characters in names are shown as text', async () => {
    const notices: string[] = []
    await copyFrom([{ left_out: ['\u001b]0;title\u0007x'], left_out_count: 1 }], '', notices)
    expect(notices.join()).not.toMatch(/\p{Cc}/u)
  })

  it('a folder is copied with links, empty folders and times, and no file through a link', async () => {
    const dated = { ...file('sub/a', 'one'), mtime_ms: 1_600_000_000_123 }
    const lines = [
      dated,
      { path: 'empty', folder: true, mode: 0o755, mtime_ms: 1_600_000_000_123 },
      { path: 'link', link: '../elsewhere' },
      END,
    ]
    expect(await copyFrom(lines, 'one')).toMatchObject({ state: 'success', fetched: 1 })
    expect(await readlink(join(place, 'link'))).toBe('../elsewhere')
    expect(await readdir(join(place, 'empty'))).toEqual([])
    for (const name of ['sub/a', 'empty'])
      expect(Math.trunc((await stat(join(place, name))).mtimeMs)).toBe(1_600_000_000_123)
    const later = { ...dated, mtime_ms: 1_700_000_000_001 }
    expect(await copyFrom([later, END], '')).toMatchObject({ unchanged: 1 })
    expect(Math.trunc((await stat(join(place, 'sub/a'))).mtimeMs)).toBe(later.mtime_ms)
    const through = await copyFrom([file('link/x', 'one'), END], 'one')
    expect(through).toMatchObject({ state: 'failed', reason: expect.stringContaining('not a folder here') })
  })
})
