import { expect, test } from 'vitest'
import { formatIpv6, parseOpenPort, sortPorts } from './socket-tables.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const tail = ' 00000000:00000000 00:00000000 00000000     0        0 2175962 1 00000000b7875ae7 100 0 0 10 0'

test('a listening TCP port is open, and a connection is not', () => {
  const listening = `   0: 0100007F:0016 00000000:0000 0A${tail}`
  const connected = `   5: 0A64A8C0:0016 0164A8C0:D1F2 01${tail}`
  expect(parseOpenPort('tcp', listening)).toEqual({ protocol: 'tcp', address: '127.0.0.1', port: 22 })
  expect(parseOpenPort('tcp', connected)).toBe('connected')
})

test('a bound UDP port is open, unless it is connected or has no number', () => {
  expect(parseOpenPort('udp', `  338: 3500007F:0035 00000000:0000 07${tail}`)).toEqual({
    protocol: 'udp',
    address: '127.0.0.53',
    port: 53,
  })
  expect(parseOpenPort('udp', `  338: 3500007F:0035 00000000:0035 01${tail}`)).toBe('connected')
  expect(parseOpenPort('udp', `  338: 00000000:0000 00000000:0000 07${tail}`)).toBe('connected')
})

test('an IPv6 address is decoded from four words', () => {
  const zero = '0'.repeat(32)
  const line = (address: string) => `   1: ${address}:01BB ${zero}:0000 0A${tail}`
  const address = (hex: string) => parseOpenPort('tcp', line(hex))
  expect(address(zero)).toMatchObject({ address: '::', port: 443 })
  expect(address('00000000000000000000000001000000')).toMatchObject({ address: '::1' })
  expect(address('000080FE00000000FF565002BE3ACC0D')).toMatchObject({ address: 'fe80::250:56ff:dcc:3abe' })
  expect(address('0000000000000000FFFF00000100007F')).toMatchObject({ address: '::ffff:127.0.0.1' })
})

test.each([HEAD, '', 'nonsense', '   0: 00:0016 00:0000 0A', `   0: ZZZZZZZZ:0016 00000000:0000 0A${tail}`])(
  'a line of a socket table that is no socket is ignored: %j',
  (line) => {
    expect(parseOpenPort('tcp', line)).toBeNull()
  },
)

test('an IPv6 address is formatted by RFC 5952', () => {
  const format = (hex: string) => formatIpv6(Buffer.from(hex, 'hex'))
  expect(format('20010db8000000000001000000000001')).toBe('2001:db8::1:0:0:1')
  expect(format('20010db8000100010001000100010001')).toBe('2001:db8:1:1:1:1:1:1')
  expect(format('20010db8000000010001000100010001')).toBe('2001:db8:0:1:1:1:1:1')
  expect(format('00010000000000000000000000000000')).toBe('1::')
})

test('open ports are sorted the same way every time', () => {
  const ports = [
    { protocol: 'udp', address: '::', port: 53 },
    { protocol: 'tcp', address: '::', port: 53 },
    { protocol: 'tcp', address: '0.0.0.0', port: 53 },
    { protocol: 'tcp', address: '::', port: 22 },
  ] as const
  const sorted = sortPorts([...ports])
  expect(sorted.map((port) => `${port.port} ${port.protocol} ${port.address}`)).toEqual([
    '22 tcp ::',
    '53 tcp 0.0.0.0',
    '53 tcp ::',
    '53 udp ::',
  ])
  expect(sortPorts([...ports].reverse())).toEqual(sorted)
})
