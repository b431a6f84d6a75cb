import { describe, expect, it } from 'vitest'
import { type Registry, toPlaces } from './registry.ts'

const settings = (more: Partial<Registry> & { host: string }): Registry => ({
  username: null,
  password: null,
  mirrors: [],
  plainHttp: false,
  ca: null,
  addedBy: 'ada',
  addedAt: new Date(0),
  ...more,
})
const places = (repository: string, ...all: Registry[]) =>
  toPlaces(repository, (host) => all.find((each) => each.host === host))

describe('where an image is looked for', () => {
  it('an image of Docker Hub is asked for under the name that it answers to', () => {
    expect(places('docker.io/library/nginx')).toMatchObject([
      { host: 'docker.io', baseUrl: 'https://registry-1.docker.io', path: 'library/nginx', isMirror: false },
    ])
  })

  it('mirrors come first, each with its own path and its own password', () => {
    const found = places(
      'docker.io/library/nginx',
      settings({ host: 'docker.io', mirrors: ['m.lan:5000/hub', 'n.lan'], username: 'u', password: 'hub' }),
      settings({ host: 'm.lan:5000', username: 'v', password: 'mirror', plainHttp: true }),
    )
    expect(found.map(({ baseUrl, path, credentials }) => [baseUrl, path, credentials?.password])).toEqual([
      ['http://m.lan:5000', 'hub/library/nginx', 'mirror'],
      ['https://n.lan', 'library/nginx', undefined],
      ['https://registry-1.docker.io', 'library/nginx', 'hub'],
    ])
  })
})
