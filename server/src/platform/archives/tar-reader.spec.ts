import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createTar } from './tar-archive.ts'
import { readTar } from './tar-reader.ts'

const folder = mkdtempSync(join(tmpdir(), 'rollcall-tar-'))
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'a/b'), { recursive: true })
writeFileSync(join(folder, 'a/b/file'), 'x'.repeat(1000))
symlinkSync('/etc', join(folder, 'link'))
execFileSync('mkfifo', [join(folder, 'fifo')])
const tar = (...args: string[]) =>
  execFileSync('tar', ['-C', folder, '-cf', '-', ...args], { stdio: ['ignore', 'pipe', 'ignore'] })

/** The same with another type of its first member. */
function retyped(archive: Buffer, type: string): Buffer {
  const changed = Buffer.from(archive)
  changed.write(type, 156)
  changed.write('        ', 148)
  const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return changed
}

it('archives of tar and our own are read', () => {
  expect(readTar(tar('a')).map(({ path, data }) => [path, data.length])).toEqual([['a/b/file', 1000]])
  expect(readTar(createTar([{ path: 'x/y', data: Buffer.from('z') }]))).toMatchObject([
    { path: 'x/y', mode: 0o644 },
  ])
})

it('archives of git are read, and overlong names are refused with a remedy', () => {
  const header = createTar([{ path: 'pax_global_header', data: Buffer.from('52 comment=…') }])
  const whole = Buffer.concat([retyped(header, 'g').subarray(0, 1024), tar('a')])
  expect(readTar(whole).map(({ path }) => path)).toEqual(['a/b/file'])
  for (const type of ['x', 'L']) expect(() => readTar(retyped(header, type))).toThrow('--format=ustar')
})

it.each([
  ['a link', () => tar('link')],
  ['a device or pipe', () => tar('fifo')],
  ['an absolute path', () => tar('-P', join(folder, 'a/b/file'))],
  ['a path with ..', () => tar('-P', 'a/../a/b/file')],
  ['a path that begins with ..', () => tar('-P', '--transform=s,^,../,', 'a/b/file')],
  ['an archive that was cut', () => tar('a/b/file').subarray(0, 700)],
  ['an archive that was changed', () => Buffer.from(tar('a/b/file')).fill(1, 0, 3)],
])('a tar archive with %s is refused', (_what, make) => {
  expect(() => readTar(make())).toThrow(expect.objectContaining({ code: 'file.path_refused' }))
})
