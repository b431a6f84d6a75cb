import { describe, expect, it } from 'vitest'
import { ArchiveContents, chooseNames, formatName } from './archive-contents.ts'

const file = { sha256: 'a'.repeat(64), bytes: 3 }
const names = (said: string[][], given?: string) =>
  chooseNames(said, given).map((each) => each.map(formatName))

describe('the files of an archive', () => {
  it('a link stands for the file that it leads to, and leads no further', () => {
    const contents = new ArchiveContents()
    contents.addFile('a/layer.tar', file)
    contents.addLink('b/layer.tar', 'a/layer.tar')
    contents.addLink('c/layer.tar', 'b/layer.tar')
    expect(contents.find('b/layer.tar')).toEqual(file)
    expect(() => contents.require('c/layer.tar')).toThrow('lacks c/layer.tar')
  })

  it('a blob whose size is not what its descriptor says is refused', () => {
    const contents = new ArchiveContents()
    contents.addFile(`blobs/sha256/${file.sha256}`, file)
    const digest = `sha256:${file.sha256}`
    expect(contents.requireBlob({ digest, size: 3 })).toEqual(file)
    expect(() => contents.requireBlob({ digest, size: 4 })).toThrow('has 3 bytes, and 4')
  })
})

describe('the names of the images of an archive', () => {
  it('images keep every name that the archive says, and the only image takes the one that is given', () => {
    expect(names([['nginx:1', 'r.lan/web:2'], ['b/c:3']])).toEqual([['nginx:1', 'r.lan/web:2'], ['b/c:3']])
    expect(names([['nginx:1']], 'mine/web:9')).toEqual([['mine/web:9']])
    expect(names([[]], 'mine/web')).toEqual([['mine/web:latest']])
  })

  it.each([
    ['no name', [[]], undefined, 'says no name'],
    ['a tag alone', [['2.4']], undefined, 'says 2.4, which is no name'],
    ['something else', [['../../etc']], undefined, 'which is no name'],
    ['two images and one name', [['a:1'], ['b:1']], 'c:1', '2 images'],
  ])('an archive with %s is refused with the remedy', (_what, said, given, why) => {
    expect(() => names(said, given)).toThrow(why)
  })
})
