import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { tarArchive } from './tar-archive.ts'
import { readTar } from './tar-reader.ts'

const folder = mkdtempSync(join(tmpdir(), 'rollcall-tar-'))
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'a/b'), { recursive: true })
writeFileSync(join(folder, 'a/b/file'), 'x'.repeat(1000))
symlinkSync('/etc', join(folder, 'link'))
execFileSync('mkfifo', [join(folder, 'fifo')])
const tar = (...args: string[]) =>
  execFileSync('tar', ['-C', folder, '-cf', '-', ...args], { stdio: ['ignore', 'pipe', 'ignore'] })

it('reads what tar wrote, and what we wrote', () => {
  expect(readTar(tar('a')).map(({ path, data }) => [path, data.length])).toEqual([['a/b/file', 1000]])
  expect(readTar(tarArchive([{ path: 'x/y', data: Buffer.from('z') }]))).toMatchObject([
    { path: 'x/y', mode: 0o644 },
  ])
})

it.each([
  ['a link', () => tar('link')],
  ['a device or pipe', () => tar('fifo')],
  ['an absolute path', () => tar('-P', join(folder, 'a/b/file'))],
  ['a path with ..', () => tar('-P', 'a/../a/b/file')],
  ['a path that begins with ..', () => tar('-P', '--transform=s,^,../,', 'a/b/file')],
  ['an archive that was cut', () => tar('a/b/file').subarray(0, 700)],
  ['an archive that was changed', () => Buffer.from(tar('a/b/file')).fill(1, 0, 3)],
])('%s is refused', (_what, make) => {
  expect(() => readTar(make())).toThrow(expect.objectContaining({ code: 'file.path_refused' }))
})
