import { expect, it } from 'vitest'
import { AddressRanges, parseRange } from './address-ranges.ts'
import { OutgoingAddresses } from './outgoing-addresses.ts'

const saying =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address }))
const refused = { code: 'host.address_refused' }
const none = () => new AddressRanges([])

it.each([
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '::1',
  '::',
  '[::1]',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '169.254.169.254',
  '169.254.1.1',
  'fe80::1',
  'fe80::1%eth0',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b::7f00:1',
  '2002:7f00:1::1',
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  '224.0.0.1',
  '255.255.255.255',
  'ff02::1',
  '0:0:0:0:0:0:0:1',
  '0000:0000::0001',
])('no connection of a user goes to %s', async (host) => {
  await expect(new OutgoingAddresses().resolve(host)).rejects.toMatchObject(refused)
})

it.each(['localhost', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0', '017700000001', '127.0.0.1.'])(
  'no connection of a user goes to the server itself as %s',
  async (host) => {
    await expect(new OutgoingAddresses().resolve(host)).rejects.toSatisfy(
      (error: { code: string }) => error.code === refused.code || error.code === 'ENOTFOUND',
    )
  },
)

it.each(['10.0.0.9', '192.168.1.9', '172.16.0.9', '192.0.2.7', 'fd12::9', '2001:db8::9', '100.64.0.9'])(
  'a host at %s can be connected to',
  async (host) => {
    expect(await new OutgoingAddresses().resolve(host)).toEqual([host])
  },
)

it('a name is resolved once to its allowed addresses, and refused without any', async () => {
  let asked = 0
  const names = new OutgoingAddresses(none, async (host) => {
    asked++
    return saying('127.0.0.1', '192.0.2.7', host === 'both' ? '::1' : '169.254.169.254')()
  })
  expect(await names.resolve('both')).toEqual(['192.0.2.7'])
  expect(asked).toBe(1)
  const rebound = new OutgoingAddresses(none, saying('169.254.169.254'))
  await expect(rebound.resolve('meta.example')).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('meta.example is 169.254.169.254'),
  })
})

it('connections go where the operator allows it, and nowhere else', async () => {
  const allowed = new AddressRanges([parseRange('127.0.0.0/8')].filter((range) => range !== undefined))
  const some = new OutgoingAddresses(() => allowed)
  expect(await some.resolve('127.0.0.1')).toEqual(['127.0.0.1'])
  expect(await some.resolve('::ffff:127.0.0.1')).toEqual(['::ffff:127.0.0.1'])
  await expect(some.resolve('::1')).rejects.toMatchObject(refused)
})
