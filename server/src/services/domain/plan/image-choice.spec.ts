import { describe, expect, it } from 'vitest'
import { chooseHostImage, type HostImageView, toNewerNote, toUnknownNote } from './image-choice.ts'

const digest = (mark: string) => `sha256:${mark.repeat(64)}`
const image = (mark: string) => ({ digest: digest(mark), variants: [] })
const view = (more: Partial<HostImageView> = {}): HostImageView => ({
  named: null,
  stored: null,
  current: null,
  asked: null,
  takesNewer: false,
  ...more,
})
const chosen = (more: Partial<HostImageView>) => chooseHostImage(view(more)).digest

describe('which image hosts pull', () => {
  it('a new service gets what the tag stands for at the registry', () => {
    expect(chosen({ asked: image('a') })).toBe(digest('a'))
  })

  it('a tag that has moved changes nothing that runs, until newer images are asked for', () => {
    const moved = { current: image('a'), asked: image('b') }
    expect(chosen(moved)).toBe(digest('a'))
    expect(chosen({ ...moved, takesNewer: true })).toBe(digest('b'))
    expect(chosen({ current: image('a'), takesNewer: true })).toBe(digest('a'))
  })

  it('what the server pulled goes before what runs, and the manifest of an archive, which no registry knows, comes last', () => {
    const pulled = { ...image('s'), source: 'registry' as const }
    const archived = { ...image('s'), source: 'archive' as const }
    expect(chosen({ stored: pulled, current: image('a'), asked: image('b') })).toBe(digest('s'))
    expect(chosen({ stored: archived, asked: image('b') })).toBe(digest('b'))
    expect(chosen({ stored: archived })).toBe(digest('s'))
  })

  it('an image that nobody knows is the one that the file names by its digest, or none', () => {
    expect(chosen({ named: digest('f') })).toBe(digest('f'))
    expect(chosen({})).toBeNull()
  })
})

describe('what a plan says of tags', () => {
  const kept = { ref: 'registry.lan/web:1', digest: digest('a'), source: 'host' as const }

  it('a newer image is told with both digests and with how to take it', () => {
    const note = toNewerNote('web', kept, image('b'))
    expect(note).toBe(
      `web: its registry has a newer image of registry.lan/web:1 (${digest('b')}); the plan keeps ${digest('a')}. To change it, plan with newer images (--newer-images)`,
    )
    expect(toNewerNote('web', { ...kept, source: 'layout' }, image('b'))).toContain(
      'rollcall image pull registry.lan/web:1',
    )
  })

  it('the same image by its index or by its manifest is nothing new', () => {
    const asked = {
      digest: digest('i'),
      variants: [{ architecture: 'amd64' as const, digest: digest('a'), bytes: 1 }],
    }
    expect(toNewerNote('web', kept, asked)).toBeNull()
    expect(toNewerNote('web', { ...kept, digest: digest('i') }, asked)).toBeNull()
    expect(toNewerNote('web', kept, null)).toBeNull()
  })

  it('what is not known is told in one line, however many images there are', () => {
    expect(toUnknownNote([], 'it is away')).toBeNull()
    const many = Array.from({ length: 7 }, (_, index) => `web:${index}`)
    expect(toUnknownNote(many, 'it is away')).toBe(
      'whether there are newer images is not known of web:0, web:1, web:2, web:3, web:4 and 2 more: it is away',
    )
  })
})
