import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { createTar } from './tar-archive.ts'
import { readTarStream } from './tar-stream-reader.ts'

const folder = mkdtempSync(join(tmpdir(), 'rollcall-tar-'))
afterAll(() => rmSync(folder, { recursive: true }))
const LONG = `${'d'.repeat(90)}/${'f'.repeat(120)}`
mkdirSync(join(folder, 'd'.repeat(90)))
mkdirSync(join(folder, 'a'))
writeFileSync(join(folder, LONG), 'long')
writeFileSync(join(folder, 'a/file'), 'x'.repeat(1000))
linkSync(join(folder, 'a/file'), join(folder, 'a/hard'))
symlinkSync('../a/file', join(folder, 'a/soft'))
symlinkSync('../../etc/passwd', join(folder, 'a/out'))
symlinkSync('/etc/passwd', join(folder, 'a/absolute'))
execFileSync('mkfifo', [join(folder, 'fifo')])
const tar = (...args: string[]) =>
  execFileSync('tar', ['-C', folder, '-cf', '-', ...args], { stdio: ['ignore', 'pipe', 'ignore'] })

async function* inPieces(archive: Buffer, bytes: number) {
  for (let at = 0; at < archive.length; at += bytes) yield archive.subarray(at, at + bytes)
}

async function readAll(archive: Buffer, { pieces = 700, maxMembers = 100 } = {}) {
  const members: Record<string, string> = {}
  for await (const member of readTarStream(inPieces(archive, pieces), maxMembers))
    members[member.path] =
      'target' in member ? `→ ${member.target}` : (await buffer(member.content)).toString()
  return members
}

describe('a tar archive that is read as it comes', () => {
  it.each(['gnu', 'pax', 'ustar'])(
    'a %s archive is read with links, in pieces of any size',
    async (format) => {
      const archive = tar(`--format=${format}`, '--sort=name', 'a/file', 'a/hard', 'a/soft')
      const expected = { 'a/file': 'x'.repeat(1000), 'a/hard': '→ a/file', 'a/soft': '→ a/file' }
      for (const pieces of [1, 512, 700, archive.length])
        expect(await readAll(archive, { pieces })).toEqual(expected)
    },
  )

  it.each(['gnu', 'pax'])('the long names of a %s archive are read', async (format) => {
    expect(await readAll(tar(`--format=${format}`, LONG))).toEqual({ [LONG]: 'long' })
  })

  it.each([
    ['a link out of it', () => tar('a/out'), 'leads out'],
    ['a link to an absolute path', () => tar('a/absolute'), 'leads out'],
    ['a pipe', () => tar('fifo'), 'neither a file nor a folder'],
    ['an absolute path', () => tar('-P', join(folder, 'a/file')), 'not allowed'],
    ['a path with ..', () => tar('-P', '--transform=s,^,../,', 'a/file'), 'not allowed'],
    ['a file twice', () => tar('--hard-dereference', 'a/file', 'a/file'), 'twice'],
    ['a cut file', () => tar('a/file').subarray(0, 700), 'truncated'],
    ['a cut header', () => tar('a/file').subarray(0, 100), 'truncated'],
    ['a damaged header', () => Buffer.from(tar('a/file')).fill(1, 0, 3), 'damaged'],
    ['much behind its end', () => Buffer.concat([tar('a/file'), Buffer.alloc(2 ** 20)]), 'follow its end'],
  ])('a tar archive with %s is refused by name', async (_what, make, why) => {
    await expect(readAll(make())).rejects.toMatchObject({
      code: 'file.path_refused',
      message: expect.stringContaining(why),
    })
  })

  it('names that fill the memory, and too many files, are refused', async () => {
    const long = createTar([{ path: 'x', data: Buffer.alloc(70_000) }])
    long.write('x', 156)
    long.write('        ', 148)
    const sum = long.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    long.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    await expect(readAll(long)).rejects.toMatchObject({ message: expect.stringContaining('65536') })
    const many = createTar(['a', 'b', 'c'].map((path) => ({ path, data: Buffer.alloc(0) })))
    await expect(readAll(many, { maxMembers: 2 })).rejects.toMatchObject({
      message: expect.stringContaining('more than 2 files'),
    })
  })
})
