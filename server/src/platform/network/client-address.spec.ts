import { describe, expect, it } from 'vitest'
import type { AddressRanges } from './address-ranges.ts'
import { resolveClient } from './client-address.ts'
import { parseTrustedProxies } from './trusted-proxies.ts'

const trusted = (text: string) => parseTrustedProxies(text) as AddressRanges
const from = (peer: string, forwardedFor: string | undefined, proxies: string) =>
  resolveClient({ peer, forwardedFor, forwardedProto: 'https' }, trusted(proxies)).address

describe('where a request comes from', () => {
  it.each([
    ['nobody is trusted', '127.0.0.1', '192.0.2.1', '', '127.0.0.1'],
    ['the peer is no proxy', '198.51.100.1', '192.0.2.1', '127.0.0.1', '198.51.100.1'],
    ['a proxy says it', '127.0.0.1', '192.0.2.1', '127.0.0.1', '192.0.2.1'],
    ['a proxy says it over IPv6', '::ffff:127.0.0.1', '2001:db8::1', '127.0.0.1', '2001:db8::1'],
    ['the client lies before the proxy', '127.0.0.1', '203.0.113.9, 192.0.2.1', '127.0.0.1', '192.0.2.1'],
    ['two proxies are trusted', '10.0.0.1', '192.0.2.1, 10.0.0.2', '10.0.0.0/8', '192.0.2.1'],
    ['the second one is not', '10.0.0.1', '192.0.2.1, 172.16.0.2', '10.0.0.0/8', '172.16.0.2'],
    ['all are trusted', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.0/8', '10.0.0.3'],
    ['the proxy says nothing', '127.0.0.1', undefined, '127.0.0.1', '127.0.0.1'],
    ['the proxy says nonsense', '127.0.0.1', 'unknown', '127.0.0.1', '127.0.0.1'],
    ['a hop is nonsense', '127.0.0.1', '192.0.2.1, <script>, 127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['it has a port', '127.0.0.1', '192.0.2.1:5000', '127.0.0.1', '192.0.2.1'],
    ['it has brackets and a port', '127.0.0.1', '[2001:db8::1]:5000', '127.0.0.1', '2001:db8::1'],
  ])('the client address when %s', (_what, peer, forwarded, proxies, address) => {
    expect(from(peer, forwarded, proxies)).toBe(address)
  })

  it('the chain of proxies is bounded, and only a trusted one is believed about HTTPS', () => {
    expect(from('127.0.0.1', Array(10_000).fill('127.0.0.1').join(','), '127.0.0.1')).toBe('127.0.0.1')
    const hops = { peer: '192.0.2.1', forwardedFor: undefined, forwardedProto: 'https' }
    expect(resolveClient(hops, trusted('127.0.0.1')).isHttps).toBe(false)
    expect(resolveClient({ ...hops, peer: '127.0.0.1' }, trusted('127.0.0.1')).isHttps).toBe(true)
    expect(
      resolveClient({ ...hops, forwardedProto: 'https, http', peer: '::1' }, trusted('::1')).isHttps,
    ).toBe(false)
  })
})

it('names, nonsense and the whole Internet are refused as trusted proxies', () => {
  for (const text of [
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1,128.0.0.0/1',
    '::ffff:0.0.0.0/96',
    '2000::/3',
    '::/1',
    '0.0.0.0/7',
  ])
    expect(parseTrustedProxies(text), text).toMatch(/large part of the Internet/)
  for (const text of ['loopback', 'true', '*', 'all', 'proxy.example', '10.0.0.0/33', '10.0.0.1-10.0.0.9'])
    expect(parseTrustedProxies(text), text).toMatch(/not an address/)
  expect(parseTrustedProxies(Array(100).fill('10.0.0.1').join())).toMatch(/more than/)
  for (const text of ['', '127.0.0.1, ::1', '10.0.0.0/8 fd00::/8', 'fc00::/7', 'fe80::/10'])
    expect(typeof parseTrustedProxies(text), text).toBe('object')
})
