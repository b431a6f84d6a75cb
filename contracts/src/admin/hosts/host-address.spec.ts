import { describe, expect, it } from 'vitest'
import { newHost } from './schemas.ts'

const credential = { type: 'password' as const, password: 'x' }
const isAddress = (address: string) => newHost.safeParse({ name: 'a', address, credential }).success

describe('the address of a host', () => {
  it.each([
    '192.0.2.1',
    'web-1.example.net',
    '2001:db8::1',
    'fe80::1%eth0',
    'FE80::a:b%br-lan.7',
    'febf::1%rcb4a01',
  ])('the address of a host may be %s', (address) => expect(isAddress(address)).toBe(true))

  it.each([
    '[2001:db8::1]',
    'web-1%eth0',
    '2001:db8::1%eth0',
    'fe80::1%',
    'fe80::1%eth0%eth1',
    'fe80::1%a/b',
    'fe80::1%a b',
    'fe80::1%interface-with-a-long-name',
    '',
  ])('the address of a host may not be "%s"', (address) => expect(isAddress(address)).toBe(false))
})
