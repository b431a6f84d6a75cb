import { expect, it } from 'vitest'
import { AddressRanges, parseRange, plainAddress } from './address-ranges.ts'

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
  ['[2001:DB8:0::1]', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['rollcall.example', undefined],
  ['127.1', undefined],
  ['', undefined],
])('the address %s is normalised to %s', (text, plain) => {
  expect(plainAddress(text)).toBe(plain)
})

it('addresses and ranges are parsed, and nothing else', () => {
  expect(parseRange('10.0.0.0/8')).toEqual({ address: '10.0.0.0', prefix: 8 })
  expect(parseRange('192.0.2.7')).toEqual({ address: '192.0.2.7', prefix: 32 })
  expect(parseRange('fd00::/8')).toEqual({ address: 'fd00::', prefix: 8 })
  expect(parseRange('::ffff:10.0.0.0/104')).toEqual({ address: '10.0.0.0', prefix: 8 })
  for (const text of [
    'loopback',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fd00::/129',
    '10/8',
    '::ffff:1.2.3.4/8',
  ])
    expect(parseRange(text), text).toBeUndefined()
})

it('addresses are matched in every spelling', () => {
  const ranges = new AddressRanges([
    { address: '10.0.0.0', prefix: 8 },
    { address: 'fd00::', prefix: 8 },
  ])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', 'fd12::1', '[fd12::1]'])
    expect(ranges.has(address), address).toBe(true)
  for (const address of ['11.1.2.3', 'fe80::1', '10.1.2', 'localhost', ''])
    expect(ranges.has(address), address).toBe(false)
})
