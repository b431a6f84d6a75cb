import { parseImageRef } from '@rollcall/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AddressRanges, parseRange } from '../../platform/network/address-ranges.ts'
import { OutgoingAddresses } from '../../platform/network/outgoing-addresses.ts'
import { ManualClock } from '../../platform/testing/manual-clock.ts'
import type { Registry } from '../domain/registry.ts'
import type { RegistriesRepository } from '../registries.repository.ts'
import { FakeRegistry } from '../testing/fake-registry.ts'
import { digestOf, testImage, testIndex } from '../testing/image-archives.ts'
import { RegistryHttp } from './registry-http.ts'
import { RegistryResolver } from './registry-resolver.ts'

const LOOPBACK = new AddressRanges([parseRange('127.0.0.0/8')].filter((range) => range !== undefined))
const http = new RegistryHttp(new OutgoingAddresses(() => LOOPBACK))
const amd = testImage()
const arm = testImage({ architecture: 'arm64' })
const newer = testImage({ layers: ['base', 'newer'] })
const index = testIndex([amd, arm])

let clock: ManualClock
let registry: FakeRegistry
let mirror: FakeRegistry
let settings: Registry[]
let resolver: RegistryResolver
beforeEach(async () => {
  clock = new ManualClock('2026-03-01T10:00:00Z')
  registry = await FakeRegistry.open()
  mirror = await FakeRegistry.open()
  settings = [settingsOf(registry), settingsOf(mirror)]
  resolver = new RegistryResolver(
    { list: async () => settings } as unknown as RegistriesRepository,
    http,
    clock,
  )
})
afterEach(() => Promise.all([registry, mirror].map((each) => each[Symbol.asyncDispose]())))

const settingsOf = ({ host }: FakeRegistry, mirrors: string[] = []): Registry => ({
  host,
  username: 'ada',
  password: 'right',
  mirrors,
  plainHttp: true,
  ca: null,
  addedBy: 'ada',
  addedAt: new Date(0),
})

function resolve(reference: string) {
  const ref = parseImageRef(`${registry.host}/shop/web${reference}`)
  if (!ref) throw new Error(reference)
  return resolver.resolve(ref, AbortSignal.timeout(10_000))
}
const sizeOf = ({ blobs }: typeof amd) => blobs.reduce((sum, { size }) => sum + size, 0)

describe('what a tag stands for at its registry', () => {
  it.each(['none', 'basic', 'bearer'] as const)(
    'a tag of a registry with %s sign-in is resolved to every variant that hosts can run, and no layer is fetched',
    async (auth) => {
      registry.auth = auth
      registry.push('1', index, [...amd.blobs, ...arm.blobs])
      expect(await resolve(':1')).toEqual({
        digest: index.digest,
        variants: [
          { architecture: 'amd64', digest: amd.manifest.digest, bytes: sizeOf(amd) },
          { architecture: 'arm64', digest: arm.manifest.digest, bytes: sizeOf(arm) },
        ],
      })
      const layers = [...amd.layers, ...arm.layers].map(({ digest }) => digest)
      expect(registry.requests.filter((path) => layers.some((digest) => path.endsWith(digest)))).toEqual([])
    },
  )

  it('an image without an index is resolved by tag and by digest to its only manifest', async () => {
    registry.push('1', amd.manifest, amd.blobs)
    for (const reference of [':1', `@${amd.manifest.digest}`])
      expect(await resolve(reference)).toMatchObject({
        digest: amd.manifest.digest,
        variants: [{ architecture: 'amd64', digest: amd.manifest.digest }],
      })
  })

  it('a mirror is asked first, and the registry itself for what the mirror does not have', async () => {
    settings = [settingsOf(registry, [`${mirror.host}/hub`]), settingsOf(mirror)]
    mirror.push('1', amd.manifest, amd.blobs)
    registry.push('2', newer.manifest, newer.blobs)
    expect((await resolve(':1')).digest).toBe(amd.manifest.digest)
    expect([mirror.requests[0], registry.requests]).toEqual(['/v2/hub/shop/web/manifests/1', []])
    expect((await resolve(':2')).digest).toBe(newer.manifest.digest)
  })

  it('a tag that moves is seen after a minute, before which its registry is asked once', async () => {
    registry.push('1', amd.manifest, amd.blobs)
    await resolve(':1')
    registry.push('1', newer.manifest, newer.blobs)
    const asked = registry.requests.length
    expect((await resolve(':1')).digest).toBe(amd.manifest.digest)
    expect(registry.requests).toHaveLength(asked)
    clock.advance(60_000)
    expect((await resolve(':1')).digest).toBe(newer.manifest.digest)
  })

  it('what a registry does not have, and a wrong password, are told once and asked again soon', async () => {
    await expect(resolve(':9')).rejects.toMatchObject({ code: 'image.not_found' })
    registry.push('9', amd.manifest, amd.blobs)
    clock.advance(5000)
    expect((await resolve(':9')).digest).toBe(amd.manifest.digest)
    registry.auth = 'basic'
    settings = [{ ...settingsOf(registry), password: 'wrong-secret' }]
    const error = await resolve(':10').catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'registry.credentials_refused' })
    expect(String(error)).not.toContain('wrong-secret')
  })

  it('a config that claims to be huge is not read', async () => {
    const big = testImage({ layers: ['big'] })
    const text = big.manifest.data.toString().replace(`"size":${big.config.size}`, '"size":99999999')
    const data = Buffer.from(text)
    registry.push('1', { ...big.manifest, data, digest: digestOf(data), size: data.length }, big.blobs)
    await expect(resolve(':1')).rejects.toMatchObject({ code: 'registry.refused' })
    expect(registry.requests.filter((path) => path.includes('/blobs/'))).toEqual([])
  })
})
