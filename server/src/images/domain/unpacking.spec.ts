import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { compressionByMagic, isBomb } from './unpacking.ts'

const GIB = 1024 ** 3

it.each([
  ['zeros that are small', 1000, GIB, false],
  ['a large file of zeros', 1_000_000, 2 * GIB, true],
  ['a large layer as programs are packed', GIB, 4 * GIB, false],
  ['more than any layer', 30 * GIB, 33 * GIB, true],
])('%s is recognised as a bomb or not', (_what, packed, unpacked, expected) => {
  expect(isBomb({ packed, unpacked })).toBe(expected)
})

it('how something is packed is told by its first bytes', () => {
  const head = (data: Buffer) => compressionByMagic(data.subarray(0, 6))
  expect(head(gzipSync('x'))).toBe('gzip')
  expect(head(zstdCompressSync('x'))).toBe('zstd')
  expect(head(Buffer.from('fd377a585a00', 'hex'))).toBe('other')
  expect(head(Buffer.from('BZh9'))).toBe('other')
  expect(head(Buffer.from('file'))).toBe('none')
  expect(head(Buffer.alloc(0))).toBe('none')
})
