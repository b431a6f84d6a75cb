import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AddressRanges, parseRange } from '../../platform/network/address-ranges.ts'
import { OutgoingAddresses } from '../../platform/network/outgoing-addresses.ts'
import { FakeRegistry } from '../testing/fake-registry.ts'
import { RegistryHttp } from './registry-http.ts'

const LOOPBACK = new AddressRanges([parseRange('127.0.0.0/8')].filter((range) => range !== undefined))
const NAMES: Record<string, string> = { 'registry.test': '127.0.0.1' }

let registry: FakeRegistry
let other: FakeRegistry
const seen: (string | undefined)[] = []
beforeEach(async () => {
  seen.splice(0)
  registry = await FakeRegistry.open()
  other = await FakeRegistry.open()
  other.before = (request, response) => {
    seen.push(request.headers.authorization)
    response.end('from elsewhere')
    return true
  }
})
afterEach(() => Promise.all([registry, other].map((each) => each[Symbol.asyncDispose]())))

const http = new RegistryHttp(
  new OutgoingAddresses(
    () => LOOPBACK,
    async (host) => [{ address: NAMES[host] ?? host }],
  ),
)
const portOf = ({ host }: FakeRegistry) => host.split(':')[1]
const get = (url: string, namedBy: string[] | null = null) =>
  http.get({
    url: new URL(url),
    headers: { authorization: 'Basic secret' },
    ca: null,
    signal: AbortSignal.timeout(10_000),
    namedBy,
  })
const redirecting = (location: string) => {
  registry.before = (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(307, { location }).end()
    return true
  }
}

describe('requests to registries', () => {
  it('a name is asked at the address that was judged, and the password stays with the registry that it is for', async () => {
    redirecting(`http://${other.host}/blob`)
    const answer = await get(`http://registry.test:${portOf(registry)}/v2/`)
    expect(await text(answer.body)).toBe('from elsewhere')
    expect(seen).toEqual([undefined])
    redirecting('/again')
    await expect(get(`http://registry.test:${portOf(registry)}/v2/`)).rejects.toMatchObject({
      code: 'registry.refused',
      message: expect.stringContaining('redirects more than'),
    })
  })

  it('a registry of the internet leads into no private network, neither by a redirect nor for a token', async () => {
    await expect(get(`http://${other.host}/token`, ['8.8.8.8'])).rejects.toMatchObject({
      code: 'registry.refused',
      message: expect.stringContaining('private network'),
    })
    expect(seen).toEqual([])
  })

  it.each(['file:///etc/passwd', 'ftp://registry.test/', 'https://['])(
    'a redirect to %s, which is no address of HTTP, is refused',
    async (location) => {
      redirecting(location)
      await expect(get(`http://${registry.host}/v2/`)).rejects.toMatchObject({ code: 'registry.refused' })
    },
  )

  it('an address of the server itself is refused, unless the operator allows it', async () => {
    const strict = new RegistryHttp(new OutgoingAddresses())
    const url = new URL(`http://${registry.host}/v2/`)
    await expect(
      strict.get({ url, headers: {}, ca: null, signal: AbortSignal.timeout(10_000) }),
    ).rejects.toMatchObject({ code: 'host.address_refused' })
    expect(registry.requests).toEqual([])
  })

  it('a registry that is away may be there later, and one without TLS is told to be so', async () => {
    const port = portOf(registry)
    await expect(get(`https://127.0.0.1:${port}/v2/`)).rejects.toMatchObject({
      code: 'registry.refused',
      message: expect.stringContaining('--plain-http'),
    })
    await registry[Symbol.asyncDispose]()
    registry = await FakeRegistry.open()
    await expect(get(`http://127.0.0.1:${port}/v2/`)).rejects.toMatchObject({
      code: 'registry.unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})
