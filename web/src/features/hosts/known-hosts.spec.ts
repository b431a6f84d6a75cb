import { expect, it } from 'vitest'
import { type FleetHost, knownAs, knownHosts } from './known-hosts.ts'

const host = (name: string, address: string, port = 22): FleetHost => ({
  name,
  address,
  port,
  state: 'online',
  stateReason: null,
  lastProvisioning: null,
})
const known = knownHosts([host('web', '192.0.2.1'), host('db', 'DB.example.com', 2222)])

it('a pasted host is known by its name, or by where it is reached though it is called otherwise there', () => {
  expect(knownAs(known, { name: 'web', address: '192.0.2.99', port: 22 })?.name).toBe('web')
  expect(knownAs(known, { name: 'web-new', address: '192.0.2.1', port: 22 })?.name).toBe('web')
  expect(knownAs(known, { name: 'x', address: 'db.example.com', port: 2222 })?.name).toBe('db')
})

it('another port, or another address, is another host', () => {
  expect(knownAs(known, { name: 'x', address: '192.0.2.1', port: 2222 })).toBeUndefined()
  expect(knownAs(known, { name: 'x', address: '192.0.2.2', port: 22 })).toBeUndefined()
})
