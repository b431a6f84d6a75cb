import { describe, expect, it } from 'vitest'
import { foldHosts } from './host-ranges.ts'

describe('foldHosts', () => {
  it.each([
    [[], ''],
    [['db'], 'db'],
    [['web-1'], 'web-1'],
    [['web-2', 'web-1', 'web-3'], 'web-[1-3]'],
    [['web-1', 'web-3', 'web-4', 'db'], 'db,web-[1,3-4]'],
    [['n08', 'n09', 'n10', 'n11'], 'n[08-11]'],
    [['n8', 'n9', 'n10'], 'n[8-10]'],
    [['n1', 'n01'], 'n01,n1'],
    [['n01', 'n02', 'n1', 'n2'], 'n[01-02],n[1-2]'],
    [['a1.example.net', 'a2.example.net', 'a1.example.org'], 'a1.example.org,a[1-2].example.net'],
    [['10.0.0.1', '10.0.0.2'], '10.0.0.[1-2]'],
    [['web-1', 'web-1'], 'web-1'],
    [['v1-1', 'v2-1'], 'v1-1,v2-1'],
    [['0', '1', '10'], '[0-1,10]'],
    [[`x${'9'.repeat(20)}`, `x${'9'.repeat(19)}8`], `x${'9'.repeat(19)}8,x${'9'.repeat(20)}`],
  ])('%j is folded into %s', (names, text) => {
    expect(foldHosts(names)).toBe(text)
  })

  it('each of ten thousand hosts is named exactly once', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `h${i * 2}`)
    const ranges = /^h\[(.*)\]$/.exec(foldHosts(names))?.[1]?.split(',')
    expect(ranges).toHaveLength(10_000)
  })
})
