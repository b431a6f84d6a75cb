import { describe, expect, it } from 'vitest'
import { collectionFiles } from './collection-files.ts'

const file = (path: string, text = 'x', mode = 0o644) => ({ path, mode, data: Buffer.from(text) })
const of = (...members: ReturnType<typeof file>[]) => collectionFiles([file('site.yml'), ...members])

describe('the files of a collection', () => {
  it('files of a collection have one version whatever their order, and another one for each difference', () => {
    const base = of(file('a'), file('b'))
    expect(of(file('b'), file('a')).version).toBe(base.version)
    for (const other of [of(file('a')), of(file('a'), file('b', 'y')), of(file('a'), file('b', 'x', 0o755))])
      expect(other.version).not.toBe(base.version)
  })

  it('files of a collection are for root alone on hosts, and leave out what a checkout leaves', () => {
    const { files } = of(
      file('run.sh', 'x', 0o4755),
      file('.git/config'),
      file('a/.hidden/b'),
      file('a/__pycache__/b.pyc'),
    )
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ['run.sh', 0o700],
      ['site.yml', 0o600],
    ])
  })

  it.each([
    ['a file twice', () => of(file('a'), file('a'))],
    ['a file and a folder of one name', () => of(file('a/b'), file('a'))],
    ['no playbook at the top', () => collectionFiles([file('mysite/site.yml')])],
    ['too many files', () => of(...Array.from({ length: 2000 }, (_, i) => file(`f${i}`)))],
    ['too many bytes', () => of(file('a', 'x'.repeat(8 * 1024 * 1024)))],
  ])('a collection with %s is refused', (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'collection.refused' }))
  })
})
