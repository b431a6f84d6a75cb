import { describe, expect, it } from 'vitest'
import { formatImageRef, parseImageRef } from './image-ref.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`

describe('a reference to an image', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx', 'latest', null],
    ['shop/web:2.4', 'docker.io/shop/web', '2.4', null],
    ['registry.lan:5000/shop/web', 'registry.lan:5000/shop/web', 'latest', null],
    [`localhost/a/b@${DIGEST}`, 'localhost/a/b', null, DIGEST],
    [`nginx:1@${DIGEST}`, 'docker.io/library/nginx', '1', DIGEST],
  ])('the image %s is read whole, and written as briefly again', (text, repository, tag, digest) => {
    expect(parseImageRef(text)).toEqual({ repository, tag, digest })
    expect(parseImageRef(formatImageRef({ repository, tag, digest }))).toEqual({ repository, tag, digest })
  })

  it('an image is written without the registry that everybody means, unless that would name another one', () => {
    expect(formatImageRef({ repository: 'docker.io/library/nginx', tag: '1', digest: null })).toBe('nginx:1')
    expect(formatImageRef({ repository: 'docker.io/localhost/web', tag: '1', digest: null })).toBe(
      'docker.io/localhost/web:1',
    )
  })

  it.each(['', 'Nginx', '../a', 'a//b', 'a:b:c', 'a@sha256:12', '-a', 'a b', `${'a'.repeat(513)}`])(
    'the text "%s" names no image',
    (text) => {
      expect(parseImageRef(text)).toBeUndefined()
    },
  )
})
