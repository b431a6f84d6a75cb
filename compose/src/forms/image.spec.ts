import { describe, expect, it } from 'vitest'
import { readServices } from '../index.ts'

describe('images', () => {
  const readImage = (image: string) => {
    const { spec } = readServices(`services: {web: {image: "${image}"}}`)
    const [service] = spec?.groups[0]?.services ?? []
    return service?.runs.kind === 'container' ? service.runs.container.image : undefined
  }
  const digest = `sha256:${'a'.repeat(64)}`
  it.each([
    ['nginx', 'docker.io/library/nginx', 'latest', null],
    ['nginx:1.25', 'docker.io/library/nginx', '1.25', null],
    ['a/b:1', 'docker.io/a/b', '1', null],
    ['registry.lan/shop/web:2.4', 'registry.lan/shop/web', '2.4', null],
    ['localhost:5000/web', 'localhost:5000/web', 'latest', null],
    ['registry:5000/web:1', 'registry:5000/web', '1', null],
    [`ghcr.io/a/b:1@${digest}`, 'ghcr.io/a/b', '1', digest],
    [`ghcr.io/a/b@${digest}`, 'ghcr.io/a/b', null, digest],
  ])('the image %s is %s', (image, repository, tag, expected) => {
    expect(readImage(image)).toEqual({ repository, tag, digest: expected })
  })

  it.each(['', 'Upper/x', 'a b', 'a:b:c', 'a@sha256:short', '/a', 'a//b', 'a/../b', '-a', 'http://a/b'])(
    'the image "%s" is refused',
    (image) => {
      expect(readImage(image)).toBeUndefined()
    },
  )
})
