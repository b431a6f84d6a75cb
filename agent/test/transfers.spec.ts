import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import {
  ended,
  getCopy,
  getFile,
  putFile,
  putTree,
  readCopy,
  sendChunk,
  sendContent,
  sha256Of,
  startGet,
} from './fixtures/sender.ts'

let host: AgentHost
let place: string

beforeAll(async () => {
  host = await AgentHost.start()
  place = join(host.folder, 'place')
  mkdirSync(place)
})
afterAll(() => host.stop())

const failed = (code: string) => ({ status: 'failed', result: { error: { code } } })
const at = (name: string) => join(place, name)

describe('a file', () => {
  test('a file arrives complete, with its mode, and leaves nothing beside it', async () => {
    const content = randomBytes(3_000_000)
    const state = await putFile(host.client, at('one'), content, { mode: 0o640 })
    expect(state).toMatchObject({ status: 'success', result: { files_written: 1 } })
    expect(readFileSync(at('one')).equals(content)).toBe(true)
    expect(statSync(at('one')).mode & 0o7777).toBe(0o640)
    expect(readdirSync(place).filter((name) => name.startsWith('.rollcall'))).toEqual([])
  })

  test('a file that exists already is not sent, and its mode is set', async () => {
    writeFileSync(at('same'), 'same')
    const state = await putFile(host.client, at('same'), Buffer.from('same'), { mode: 0o600 })
    expect(state.result).toMatchObject({ error: null, files_written: 0, files_unchanged: 1 })
    expect(statSync(at('same')).mode & 0o7777).toBe(0o600)
  })

  test('a file keeps the mode of the one that it replaces, and may be empty', async () => {
    writeFileSync(at('kept'), 'old')
    chmodSync(at('kept'), 0o751)
    expect(await putFile(host.client, at('kept'), Buffer.alloc(0))).toMatchObject({ status: 'success' })
    expect([readFileSync(at('kept'), 'utf8'), statSync(at('kept')).mode & 0o7777]).toEqual(['', 0o751])
  })

  test('a file with unexpected content replaces nothing', async () => {
    writeFileSync(at('old'), 'old')
    const state = await putFile(host.client, at('old'), Buffer.from('new'), {
      sha256: sha256Of(Buffer.from('x')),
    })
    expect(state).toMatchObject(failed('file.content_wrong'))
    expect(readFileSync(at('old'), 'utf8')).toBe('old')
    expect(readdirSync(place).filter((name) => name.startsWith('.rollcall'))).toEqual([])
  })

  test('a file transfer resumes at its offset after agent and runner were killed', async () => {
    const content = randomBytes(2_000_000)
    const id = randomUUID()
    const order = {
      kind: 'put_file' as const,
      path: at('resumed'),
      size: content.length,
      sha256: sha256Of(content),
    }
    await host.client.call('start_transfer', { transfer_id: id, order })
    await sendChunk(host.client, id, 0, content.subarray(0, 700_000))
    await host.client.call('get_transfer', { transfer_id: id, wait_ms: 10_000, since_offset: 0 })
    await Promise.all([host.agent?.kill(), host.runner?.kill()])
    await host.startRunner()
    await host.startAgent()
    const { offset } = await host.client.call('start_transfer', { transfer_id: id, order })
    expect(offset).toBe(700_000)
    expect(await sendContent(host.client, id, offset, content)).toMatchObject({ status: 'success' })
    expect(readFileSync(at('resumed')).equals(content)).toBe(true)
  })

  test('an abandoned file transfer leaves nothing behind', async () => {
    const id = randomUUID()
    const order = { kind: 'put_file' as const, path: at('never'), size: 1000, sha256: '0'.repeat(64) }
    await host.client.call('start_transfer', { transfer_id: id, order })
    await sendChunk(host.client, id, 0, Buffer.alloc(10))
    await host.client.call('get_transfer', { transfer_id: id, wait_ms: 10_000, since_offset: 0 })
    const folder = join(host.folder, 'state/transfers', id)
    expect(existsSync(at(`.rollcall-${id}.part`))).toBe(true)
    await host.client.call('end_transfer', { transfer_id: id })
    await expect.poll(() => existsSync(folder)).toBe(false)
    expect(readdirSync(place).filter((name) => name.startsWith('.rollcall'))).toEqual([])
    await expect(host.client.call('get_transfer', { transfer_id: id })).rejects.toThrow(
      'file.transfer_unknown',
    )
  })

  test('a file with an unknown owner is refused', async () => {
    const state = await putFile(host.client, at('owned'), Buffer.from('x'), { owner: 'no-such-user' })
    expect(state).toMatchObject(failed('file.owner_unknown'))
  })
})

describe('a path', () => {
  test.each(['/etc/../etc/x', '/a//b', '/a/./b', 'relative', '/', '/a/'])(
    'the path %s is refused',
    async (path) => {
      await expect(putFile(host.client, path, Buffer.from('x'))).rejects.toThrow('request.invalid')
    },
  )

  test('a path through a link that another user could have created is refused', async () => {
    mkdirSync(at('open'), { mode: 0o777 })
    chmodSync(at('open'), 0o777)
    symlinkSync('/etc', at('open/link'))
    const state = await putFile(host.client, at('open/link/rollcall-x'), Buffer.from('x'))
    expect(state).toMatchObject(failed('file.path_refused'))
    expect(existsSync('/etc/rollcall-x')).toBe(false)
  })

  test('a path through a link of root is followed', async () => {
    mkdirSync(at('real'))
    mkdirSync(at('beside'))
    symlinkSync('../real', at('beside/link'))
    expect(await putFile(host.client, at('beside/link/x'), Buffer.from('x'))).toMatchObject({
      status: 'success',
    })
    expect(readFileSync(at('real/x'), 'utf8')).toBe('x')
  })

  test.each([
    ['a link', () => symlinkSync('/etc/hostname', at('target'))],
    ['a folder', () => mkdirSync(at('folder'))],
  ])('a path to %s is refused and leaves it unchanged', async (what, make) => {
    make()
    const name = what === 'a link' ? 'target' : 'folder'
    expect(await putFile(host.client, at(name), Buffer.from('x'))).toMatchObject(failed('file.not_regular'))
  })

  test('a path to a device or a kernel file system is refused', async () => {
    expect(await putFile(host.client, '/dev/null', Buffer.from('x'))).toMatchObject(
      failed('file.not_regular'),
    )
    expect(await putFile(host.client, '/proc/sys/kernel/x', Buffer.from('x'))).toMatchObject(
      failed('file.path_refused'),
    )
  })

  test('a path into a missing folder is refused unless folders are to be created', async () => {
    expect(await putFile(host.client, at('no/such/x'), Buffer.from('x'))).toMatchObject(
      failed('file.not_found'),
    )
    expect(
      await putFile(host.client, at('no/such/x'), Buffer.from('x'), { make_parents: true }),
    ).toMatchObject({
      status: 'success',
    })
  })
})

describe('a file copied from a host', () => {
  test.each([
    ['compressible', Buffer.alloc(2_500_000, 'rollcall ')],
    ['random', randomBytes(1_048_576)],
    ['empty', Buffer.alloc(0)],
  ])('a file copied from a host is unchanged: %s', async (name, content) => {
    writeFileSync(at(name), content, { mode: 0o640 })
    const { state, bytes } = await getFile(host.client, at(name))
    expect(state.result?.content).toEqual({ size: content.length, sha256: sha256Of(content), mode: 0o640 })
    expect(bytes.equals(content)).toBe(true)
  })

  test('a copy does not follow later changes of its file, and is removed at the end of the transfer', async () => {
    writeFileSync(at('log'), 'one')
    const id = await startGet(host.client, at('log'))
    await ended(host.client, id)
    writeFileSync(at('log'), 'another')
    expect((await readCopy(host.client, id)).toString()).toBe('one')
    await host.client.call('end_transfer', { transfer_id: id })
    const read = () =>
      host.client.call('read_chunk', { transfer_id: id, index: 0 }).catch((error: Error) => error.message)
    await expect.poll(read, { timeout: 10_000 }).toContain('file.transfer_unknown')
  })

  test('a copied file is read through links of root and no others', async () => {
    writeFileSync(at('pointed'), 'real')
    symlinkSync('pointed', at('short'))
    symlinkSync(at('pointed'), at('long'))
    for (const name of ['short', 'long'])
      expect((await getFile(host.client, at(name))).bytes.toString()).toBe('real')
    mkdirSync(at('shared'))
    chmodSync(at('shared'), 0o777)
    symlinkSync('/etc/shadow', at('shared/mine'))
    expect((await getFile(host.client, at('shared/mine'))).state).toMatchObject(failed('file.path_refused'))
    symlinkSync('circle', at('circle'))
    expect((await getFile(host.client, at('circle'))).state).toMatchObject(failed('file.path_refused'))
  })

  test.each([
    ['/no/such/file', 'file.not_found'],
    ['/etc', 'file.not_regular'],
    ['/dev/zero', 'file.not_regular'],
    ['/proc/version', 'file.path_refused'],
  ])('copying %s is refused', async (path, code) => {
    expect((await getFile(host.client, path)).state).toMatchObject(failed(code))
  })

  test('a copied file has no piece beyond its end', async () => {
    writeFileSync(at('short-one'), 'x')
    const id = await startGet(host.client, at('short-one'))
    await ended(host.client, id)
    await expect(host.client.call('read_chunk', { transfer_id: id, index: 1 })).rejects.toThrow(
      'file.chunk_invalid',
    )
  })
})

describe('a tree copied from a host', () => {
  const list = async (path: string) => {
    const { state, bytes } = await getCopy(host.client, { kind: 'list_tree', path })
    return {
      state,
      lines: bytes
        .toString()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    }
  }
  const get = (path: string, ...files: { path: string; size: number }[]) =>
    getCopy(host.client, { kind: 'get_files', path, files })

  test('a copied tree is listed by content, files only, and its files follow one another', async () => {
    const folder = at('asked')
    mkdirSync(join(folder, 'b/deep'), { recursive: true })
    writeFileSync(join(folder, 'a'), 'one', { mode: 0o640 })
    writeFileSync(join(folder, 'b/deep/c'), randomBytes(1_500_000))
    writeFileSync(join(folder, 'b/empty'), '')
    writeFileSync(
      Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0x41)]),
      'of no name that can be told',
    )
    symlinkSync('/etc/shadow', join(folder, 'b/link'))
    const { lines } = await list(folder)
    const large = readFileSync(join(folder, 'b/deep/c'))
    expect(lines).toEqual([
      { path: 'a', size: 3, sha256: sha256Of(Buffer.from('one')), mode: 0o640 },
      { path: 'b/deep/c', size: large.length, sha256: sha256Of(large), mode: 0o644 },
      { path: 'b/empty', size: 0, sha256: sha256Of(Buffer.alloc(0)), mode: 0o644 },
      { left_out: ['b/link', '\ufffdA'], left_out_count: 2 },
    ])
    const wanted = [
      { path: 'b/deep/c', size: large.length },
      { path: 'b/empty', size: 0 },
      { path: 'a', size: 2 },
    ]
    const { bytes } = await get(folder, ...wanted)
    expect(bytes.equals(Buffer.concat([large, Buffer.from('on')]))).toBe(true)
  })

  test('a copied tree contains no file that changed since it was listed, and none outside', async () => {
    const folder = at('changing')
    mkdirSync(join(folder, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'short'), 'x')
    symlinkSync('/etc', join(folder, 'sub/out'))
    symlinkSync('/etc/hostname', join(folder, 'name'))
    for (const [path, code] of [
      ['short', 'file.changed'],
      ['gone', 'file.changed'],
      ['sub/out/hostname', 'file.path_refused'],
      ['name', 'file.not_regular'],
    ] as const)
      expect((await get(folder, { path, size: 2 })).state, path).toMatchObject(failed(code))
    await expect(get(folder, { path: '../x', size: 1 })).rejects.toThrow('request.invalid')
  })

  test('copying a path that is no folder, or a kernel file system, is refused', async () => {
    writeFileSync(at('plain'), 'x')
    expect((await list(at('no-such'))).state).toMatchObject(failed('file.not_found'))
    for (const path of [at('plain'), '/proc/self'])
      expect((await list(path)).state, path).toMatchObject(failed('file.path_refused'))
  })
})

describe('a tree', () => {
  const tree = { a: 'a', 'b/c': 'c'.repeat(400_000), 'b/empty': '', 'b/d/e': 'e' }

  test('a tree arrives, and of the next one only the differences are sent', async () => {
    expect(await putTree(host.client, at('tree'), tree)).toMatchObject({
      status: 'success',
      sent: ['a', 'b/c', 'b/empty', 'b/d/e'],
    })
    writeFileSync(at('tree/mine'), 'mine')
    const second = await putTree(host.client, at('tree'), { ...tree, 'b/d/e': 'E', new: 'new' })
    expect(second).toMatchObject({ sent: ['b/d/e', 'new'], result: { files_written: 2, files_unchanged: 3 } })
    expect(
      ['a', 'b/c', 'b/empty', 'b/d/e', 'new', 'mine'].map((name) => readFileSync(at(`tree/${name}`), 'utf8')),
    ).toEqual(['a', tree['b/c'], '', 'E', 'new', 'mine'])
    expect((await putTree(host.client, at('tree'), tree)).sent).toEqual(['b/d/e'])
    expect((await putTree(host.client, at('tree'), tree)).sent).toEqual([])
  })

  test.each(['../out', '/etc/x', 'a/../../x', 'a//b', ''])(
    'a tree with the entry %j is refused as a whole',
    async (name) => {
      const state = await putTree(host.client, at('bad'), { fine: 'x', [name]: 'x' })
      expect(state).toMatchObject(failed('file.path_refused'))
      expect(existsSync(at('bad/fine'))).toBe(false)
    },
  )

  test('a tree never follows a link within it', async () => {
    mkdirSync(at('linked'))
    symlinkSync('/etc', at('linked/sub'))
    expect(await putTree(host.client, at('linked'), { 'sub/rollcall-x': 'x' })).toMatchObject(
      failed('file.path_refused'),
    )
    expect(existsSync('/etc/rollcall-x')).toBe(false)
  })

  test('a published tree is the target of its link, and the previous one is kept', async () => {
    const put = (digit: string, content: string) =>
      putTree(
        host.client,
        at(`tools/${digit.repeat(64)}`),
        { VERSION: content },
        { publish_as: 'current', make_parents: true },
      )
    for (const digit of ['1', '2', '3']) expect(await put(digit, digit)).toMatchObject({ status: 'success' })
    expect(readlinkSync(at('tools/current'))).toBe('3'.repeat(64))
    expect(readdirSync(at('tools')).sort()).toEqual(['2'.repeat(64), '3'.repeat(64), 'current'])
  })
})

test('content that is truncated or malformed fails its transfer and nothing else', async () => {
  const id = randomUUID()
  const order = { kind: 'put_file' as const, path: at('bomb'), size: 1000, sha256: '0'.repeat(64) }
  await host.client.call('start_transfer', { transfer_id: id, order })
  const frames = [{ encoding: 'zstd' as const, bytes: 4, raw_bytes: 1000 }]
  await host.client.call(
    'write_chunk',
    { transfer_id: id, offset: 0, frames },
    undefined,
    Buffer.from('nope'),
  )
  expect(await ended(host.client, id)).toMatchObject(failed('file.chunk_invalid'))
  await expect(
    host.client.call('write_chunk', { transfer_id: id, offset: 0, frames }, undefined, Buffer.from('longer')),
  ).rejects.toThrow('file.chunk_invalid')
})
