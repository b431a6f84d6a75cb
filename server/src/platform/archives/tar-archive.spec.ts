import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createTar } from './tar-archive.ts'

const entries = [
  { path: 'b/c.txt', data: Buffer.from('two') },
  { path: 'a', data: Buffer.alloc(1024, 1) },
  { path: 'empty', data: Buffer.alloc(0) },
]

describe('a tar archive', () => {
  it('a tar archive of ours is read by tar', () => {
    const list = execFileSync('tar', ['--list', '--file', '-'], {
      input: createTar(entries),
      encoding: 'utf8',
    })
    expect(list.trim().split('\n')).toEqual(['a', 'b/c.txt', 'empty'])
    const content = execFileSync('tar', ['--extract', '--to-stdout', '--file', '-', 'b/c.txt'], {
      input: createTar(entries),
    })
    expect(content.toString()).toBe('two')
  })

  it('a tar archive has the same bytes in any order of files, so its hash names its content', () => {
    expect(createTar([...entries].reverse()).equals(createTar(entries))).toBe(true)
  })

  it('a name that does not fit into a tar archive is refused instead of cut', () => {
    expect(() => createTar([{ path: 'x'.repeat(101), data: Buffer.alloc(0) }])).toThrow(RangeError)
  })
})
