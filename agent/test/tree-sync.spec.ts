import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import {
  getCopy,
  putFile,
  sendChunk,
  sendContent,
  sha256Of,
  syncTree,
  type WholeTree,
} from './fixtures/sender.ts'

let host: AgentHost
let place: string

beforeAll(async () => {
  host = await AgentHost.start()
  place = join(host.folder, 'place')
  mkdirSync(place)
})
afterAll(() => host.stop())

const at = (name: string) => join(place, name)
const MTIME = 1_600_000_000_000

/** Node has no system calls for extended attributes. */
const python = (code: string, ...args: string[]) =>
  execFileSync('python3', ['-c', `import os, sys\n${code}`, ...args], { encoding: 'utf8' }).trim()
const setAttribute = (path: string, name: string, hex: string) =>
  python('os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))', path, name, hex)
const toAttributes = (path: string) =>
  python('print({n: os.getxattr(sys.argv[1], n).hex() for n in sorted(os.listxattr(sys.argv[1]))})', path)

// Version 2, one entry each for owner, user 1000, group, mask and others: user::rw-,user:1000:r--,group::r--,mask::r--,other::---
const ACCESS_LIST = '0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff'
// cap_net_bind_service, effective and permitted.
const CAPABILITY = '0100000200040000000000000000000000000000'

test('a synced tree keeps its links, empty folders and times', async () => {
  const tree = {
    a: 'a',
    empty: null,
    'sub/b': 'b',
    sub: null,
    'sub/up': '→../a',
    dangling: '→/nowhere/at all',
  }
  const state = await syncTree(host.client, at('kept'), tree)
  expect(state).toMatchObject({ status: 'success', sent: ['a', 'sub/b'] })
  expect(state.result).toMatchObject({ files_written: 2, changes: { links: 2, folders: 2, removed: 0 } })
  expect(readlinkSync(at('kept/sub/up'))).toBe('../a')
  expect(readlinkSync(at('kept/dangling'))).toBe('/nowhere/at all')
  expect(readdirSync(at('kept/empty'))).toEqual([])
  for (const name of ['a', 'sub/b', 'sub', 'empty'])
    expect(Math.trunc(statSync(at(`kept/${name}`)).mtimeMs)).toBe(MTIME)
  const again = await syncTree(host.client, at('kept'), tree)
  expect(again.result).toMatchObject({ files_written: 0, changes: { links: 0, folders: 0, listed: [] } })
})

test('a file replaces a link and a link a file, but neither replaces a folder', async () => {
  mkdirSync(at('swap/folder'), { recursive: true })
  writeFileSync(at('outside'), 'outside')
  symlinkSync('../outside', at('swap/link'))
  writeFileSync(at('swap/file'), 'file')
  const state = await syncTree(host.client, at('swap'), { link: 'now a file', file: '→link' })
  expect(state.status).toBe('success')
  expect(lstatSync(at('swap/link')).isFile()).toBe(true)
  expect(readlinkSync(at('swap/file'))).toBe('link')
  expect(readFileSync(at('outside'), 'utf8')).toBe('outside')
  expect(await syncTree(host.client, at('swap'), { folder: '→x' })).toMatchObject({
    result: { error: { code: 'file.not_regular' } },
  })
})

test('a tree entry below a link is refused', async () => {
  mkdirSync(at('led'))
  mkdirSync(at('elsewhere'))
  symlinkSync('../elsewhere', at('led/out'))
  expect(await syncTree(host.client, at('led'), { 'out/x': 'x' })).toMatchObject({
    result: { error: { code: 'file.path_refused' } },
  })
  expect(readdirSync(at('elsewhere'))).toEqual([])
})

test('delete removes what is not in the list, and nothing outside the tree or through a link', async () => {
  mkdirSync(at('del/old/deep'), { recursive: true })
  mkdirSync(at('spared'))
  writeFileSync(at('spared/x'), 'x')
  writeFileSync(at('del/old/deep/f'), 'f')
  writeFileSync(at('del/stays'), 'stays')
  symlinkSync('../spared', at('del/link'))
  const dry = await syncTree(
    host.client,
    at('del'),
    { stays: 'stays', new: 'n' },
    { delete: true, dry_run: true },
  )
  expect(dry.result?.changes?.listed).toEqual([
    { change: 'write', path: 'new' },
    { change: 'remove', path: 'link' },
    { change: 'remove', path: 'old/deep/f' },
    { change: 'remove', path: 'old/deep' },
    { change: 'remove', path: 'old' },
  ])
  expect(readdirSync(at('del')).sort()).toEqual(['link', 'old', 'stays'])
  const real = await syncTree(host.client, at('del'), { stays: 'stays', new: 'n' }, { delete: true })
  expect(real.result).toMatchObject({ files_written: 1, files_unchanged: 1, changes: { removed: 4 } })
  expect(readdirSync(at('del')).sort()).toEqual(['new', 'stays'])
  expect(readFileSync(at('spared/x'), 'utf8')).toBe('x')
})

test('a dry run changes nothing, creates no folder, and wants no content', async () => {
  writeFileSync(at('loose'), 'x')
  chmodSync(at('loose'), 0o600)
  const missing = await syncTree(
    host.client,
    at('not-there/tree'),
    { a: 'a', l: '→a' },
    { dry_run: true, make_parents: true },
  )
  expect(missing).toMatchObject({ sent: [], result: { files_written: 1, changes: { links: 1 } } })
  expect(existsSync(at('not-there'))).toBe(false)
  mkdirSync(at('dry'))
  writeFileSync(at('dry/same'), 'same')
  chmodSync(at('dry/same'), 0o600)
  await syncTree(host.client, at('dry'), { same: 'same' }, { dry_run: true })
  expect(statSync(at('dry/same')).mode & 0o7777).toBe(0o600)
})

test('a dry run of a tree without its parent is refused like the real one', async () => {
  for (const dry_run of [true, false])
    expect(await syncTree(host.client, at('no-parent/tree'), { a: 'a' }, { dry_run })).toMatchObject({
      result: { error: { code: 'file.not_found' } },
    })
})

test('modification times arrive exact to the millisecond', async () => {
  for (const mtime of [1_600_000_000_001, 1_600_000_000_123, 1_700_000_000_999]) {
    await syncTree(host.client, at('times'), { a: 'a', d: null }, { mtime })
    for (const name of ['times/a', 'times/d']) expect(Math.trunc(statSync(at(name)).mtimeMs)).toBe(mtime)
  }
})

/** Reads modes, times, contents and links below a folder. */
function toPicture(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = lstatSync(join(folder, name))
      const what = stat.isFile() ? readFileSync(join(folder, name), 'utf8') : stat.isSymbolicLink()
      return `${name} ${stat.mode} ${stat.uid} ${stat.mtimeMs} ${stat.ino} ${what}`
    })
}

test('an obstacle is refused before anything of the tree is changed', async () => {
  const blocked: [name: string, WholeTree][] = [
    ['folder-for-file', { a: 'new', zz: 'a file where a folder is' }],
    ['folder-for-link', { a: 'new', zz: '→x' }],
    ['file-for-folder', { a: 'new', b: null }],
    ['pipe-for-file', { a: 'new', pipe: 'file' }],
  ]
  for (const [name, tree] of blocked) {
    mkdirSync(at(`${name}/zz`), { recursive: true })
    for (const file of ['a', 'b', 'same']) writeFileSync(at(`${name}/${file}`), 'old')
    execFileSync('mkfifo', [at(`${name}/pipe`)])
    chmodSync(at(`${name}/same`), 0o600)
    const before = toPicture(at(name))
    const { result } = await syncTree(host.client, at(name), { same: 'old', ...tree }, { delete: true })
    expect(result?.error?.code).toMatch(/^file\.(not_regular|path_refused)$/)
    expect(toPicture(at(name))).toEqual(before)
  }
})

describe('mounts', () => {
  const mounted: string[] = []
  const bind = (from: string, to: string) => {
    execFileSync('mount', ['--bind', from, to])
    mounted.push(to)
  }
  afterAll(() => {
    for (const each of mounted) execFileSync('umount', [each])
  })

  test('a mount point in place of a file is named, and nothing is changed', async () => {
    mkdirSync(at('bound'))
    for (const name of ['bound/a', 'bound/hosts', 'source']) writeFileSync(at(name), 'old')
    bind(at('source'), at('bound/hosts'))
    const before = toPicture(at('bound'))
    for (const tree of [
      { a: 'new', hosts: 'new' },
      { a: 'new', hosts: '→a' },
    ])
      for (const dry_run of [true, false]) {
        const { result } = await syncTree(host.client, at('bound'), tree, { dry_run })
        expect(result?.error).toMatchObject({ code: 'file.denied' })
        expect(result?.error?.message).toContain(`${at('bound/hosts')} is a mount point (such as`)
      }
    const { result } = await putFile(host.client, at('bound/hosts'), Buffer.from('new'))
    expect(result?.error?.message).toContain(`${at('bound/hosts')} is a mount point (such as`)
    expect(toPicture(at('bound'))).toEqual(before)
    expect(await syncTree(host.client, at('bound'), { hosts: 'old' })).toMatchObject({ status: 'success' })
  })

  test('delete removes no bind mount and nothing beside it', async () => {
    mkdirSync(at('house/old/data'), { recursive: true })
    mkdirSync(at('precious'))
    for (const name of ['precious/x', 'house/old/f', 'house/a']) writeFileSync(at(name), 'old')
    bind(at('precious'), at('house/old/data'))
    const before = toPicture(at('house'))
    for (const dry_run of [true, false]) {
      const { result } = await syncTree(host.client, at('house'), { a: 'new' }, { delete: true, dry_run })
      expect(result?.error?.message).toContain(
        `${at('house/old/data')} is a mount point and cannot be removed`,
      )
    }
    expect(toPicture(at('house'))).toEqual(before)
    const kept = await syncTree(host.client, at('house'), { a: 'new', 'old/data': null }, { delete: true })
    expect(kept.result?.changes?.listed).toEqual([
      { change: 'write', path: 'a' },
      { change: 'remove', path: 'old/f' },
    ])
    expect(readdirSync(at('precious'))).toEqual(['x'])
  })
})

test('delete spares a name that is not UTF-8, and its folder', async () => {
  mkdirSync(at('latin/old'), { recursive: true })
  writeFileSync(Buffer.concat([Buffer.from(at('latin/old/')), Buffer.from([0x66, 0xfc])]), 'x')
  writeFileSync(at('latin/old/f'), 'x')
  const { result } = await syncTree(host.client, at('latin'), { a: 'a' }, { delete: true })
  expect(result).toMatchObject({ error: null, changes: { removed: 1 } })
  expect(readdirSync(at('latin/old'), { encoding: 'buffer' })).toEqual([Buffer.from([0x66, 0xfc])])
})

test('a file that its owner may hold open is replaced instead of given to another owner', async () => {
  mkdirSync(at('theirs'))
  for (const name of ['theirs/mine', 'theirs/roots']) writeFileSync(at(name), 'same')
  chownSync(at('theirs/mine'), 1234, 1234)
  const before = ['mine', 'roots'].map((name) => statSync(at(`theirs/${name}`)).ino)
  const state = await syncTree(
    host.client,
    at('theirs'),
    { mine: 'same', roots: 'same' },
    { owner: '4321:4321' },
  )
  expect(state).toMatchObject({ status: 'success', sent: ['mine'] })
  const after = ['mine', 'roots'].map((name) => statSync(at(`theirs/${name}`)))
  expect(after.map(({ uid, gid }) => [uid, gid])).toEqual([
    [4321, 4321],
    [4321, 4321],
  ])
  expect(after[0]?.ino).not.toBe(before[0])
  expect(after[1]?.ino).toBe(before[1])
})

test('the access list of a former owner grants no access to the new file', async () => {
  mkdirSync(at('lists'))
  for (const name of ['lists/his', 'lists/kept']) {
    writeFileSync(at(name), 'old')
    chownSync(at(name), 1000, 1000)
    setAttribute(at(name), 'system.posix_acl_access', ACCESS_LIST)
  }
  await syncTree(host.client, at('lists'), { his: 'new' }, { owner: '0:0', mode: 0o640 })
  await syncTree(host.client, at('lists'), { kept: 'new' }, { mode: 0o640 })
  expect(toAttributes(at('lists/his'))).toBe('{}')
  expect(toAttributes(at('lists/kept'))).toContain('system.posix_acl_access')
})

test('delete is refused for a folder of the first level', async () => {
  mkdirSync('/rollcall-first')
  symlinkSync('/rollcall-first', at('to-first'))
  try {
    writeFileSync('/rollcall-first/f', 'stays')
    for (const path of ['/rollcall-first', at('to-first')])
      expect(await syncTree(host.client, path, { a: 'a' }, { delete: true })).toMatchObject({
        result: { error: { code: 'file.path_refused' } },
      })
    expect(readdirSync('/rollcall-first')).toEqual(['f'])
  } finally {
    rmSync('/rollcall-first', { recursive: true })
  }
})

test('a missing folder of the first level is not created for a list with delete', async () => {
  expect(await syncTree(host.client, '/rollcall-nowhere', { a: 'a' }, { delete: true })).toMatchObject({
    result: { error: { code: 'file.path_refused' } },
  })
  expect(existsSync('/rollcall-nowhere')).toBe(false)
})

test('a replaced file keeps its access list and capabilities, alone and in a tree', async () => {
  for (const name of ['caps/one', 'lone']) {
    mkdirSync(at('caps'), { recursive: true })
    writeFileSync(at(name), 'old')
    setAttribute(at(name), 'system.posix_acl_access', ACCESS_LIST)
    setAttribute(at(name), 'security.capability', CAPABILITY)
  }
  const before = toAttributes(at('lone'))
  expect(before).toContain('security.capability')
  await syncTree(host.client, at('caps'), { one: 'new' }, { mode: statSync(at('caps/one')).mode & 0o7777 })
  await putFile(host.client, at('lone'), Buffer.from('new'))
  for (const name of ['caps/one', 'lone']) {
    expect(readFileSync(at(name), 'utf8')).toBe('new')
    expect(toAttributes(at(name))).toBe(before)
  }
})

test('a tree resumes after agent and runner were killed, including links, modes and removals', async () => {
  mkdirSync(at('broken/old'), { recursive: true })
  writeFileSync(at('broken/old/f'), 'x')
  writeFileSync(at('broken/same'), 'same')
  chmodSync(at('broken/same'), 0o600)
  const content = randomBytes(900_000)
  const line = (path: string, data: Buffer) => ({
    path,
    size: data.length,
    sha256: sha256Of(data),
    mode: 0o644,
    mtime_ms: MTIME,
  })
  const lines = [
    line('large', content),
    { path: 'link', link: 'large' },
    line('same', Buffer.from('same')),
    { path: 'sub', folder: true, mode: 0o700, mtime_ms: MTIME },
  ]
  const manifest = Buffer.from(lines.map((each) => JSON.stringify(each)).join('\n'))
  const id = randomUUID()
  const order = {
    kind: 'sync_tree' as const,
    path: at('broken'),
    delete: true,
    dry_run: false,
    manifest: { size: manifest.length, sha256: sha256Of(manifest) },
  }
  const whole = Buffer.concat([manifest, content])
  await host.client.call('start_transfer', { transfer_id: id, order })
  await sendChunk(host.client, id, 0, manifest)
  await host.client.call('get_transfer', { transfer_id: id, wait_ms: 10_000 })
  await sendChunk(host.client, id, manifest.length, content.subarray(0, 300_000))
  await host.client.call('get_transfer', { transfer_id: id, wait_ms: 10_000, since_offset: manifest.length })
  expect(statSync(at('broken/same')).mode & 0o7777).toBe(0o600)
  expect(existsSync(at('broken/old/f'))).toBe(true)
  await Promise.all([host.agent?.kill(), host.runner?.kill()])
  await host.startRunner()
  await host.startAgent()
  const { offset } = await host.client.call('start_transfer', { transfer_id: id, order })
  expect(offset).toBe(manifest.length + 300_000)
  const end = await sendContent(host.client, id, offset, whole)
  expect(end).toMatchObject({ status: 'success', result: { files_written: 1, changes: { removed: 2 } } })
  expect(readdirSync(at('broken')).sort()).toEqual(['large', 'link', 'same', 'sub'])
  expect(readFileSync(at('broken/large')).equals(content)).toBe(true)
  expect(['same', 'sub'].map((name) => statSync(at(`broken/${name}`)).mode & 0o7777)).toEqual([0o644, 0o700])
})

test('set-id bits arrive unchanged', async () => {
  await syncTree(host.client, at('setid'), { tool: 'x' }, { mode: 0o4755 })
  expect(statSync(at('setid/tool')).mode & 0o7777).toBe(0o4755)
})

test('a complete tree is listed with links, folders and times', async () => {
  mkdirSync(at('listed/empty'), { recursive: true })
  writeFileSync(at('listed/a'), 'a')
  symlinkSync('a', at('listed/link'))
  const { bytes } = await getCopy(host.client, { kind: 'list_tree', path: at('listed'), whole: true })
  const lines = bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toEqual([
    expect.objectContaining({ path: 'a', size: 1, mtime_ms: Math.trunc(statSync(at('listed/a')).mtimeMs) }),
    expect.objectContaining({ path: 'empty', folder: true, mode: 0o755 }),
    { path: 'link', link: 'a' },
    { left_out: [], left_out_count: 0 },
  ])
})
