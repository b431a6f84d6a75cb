import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AddressRanges } from '../platform/network/address-ranges.ts'
import { TestServer } from '../testing/test-server.ts'

let server: TestServer
let connected = 0
const listener = createServer((socket) => {
  connected++
  socket.destroy()
})
let port: number

beforeAll(async () => {
  server = await TestServer.open()
  server.config.allowedAddresses = new AddressRanges([])
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  port = (listener.address() as { port: number }).port
})
afterAll(async () => {
  listener.close()
  await server?.[Symbol.asyncDispose]()
})

const credential = { type: 'password', password: 'x' }
const hostKey = `SHA256:${'A'.repeat(43)}`
const ROUTES: [string, object][] = [
  ['/api/host-keys', {}],
  ['/api/host-checks', { user: 'root', credential, hostKey }],
  ['/api/hosts', { name: 'inside', user: 'root', credential }],
]

it.each(ROUTES)(
  '%s connects to nothing on the server itself, nor to metadata, under any spelling',
  async (path, more) => {
    for (const address of [
      '127.0.0.1',
      'localhost',
      '::1',
      '::ffff:127.0.0.1',
      '2130706433',
      '0x7f000001',
      '0.0.0.0',
      '169.254.169.254',
      'fe80::1%eth0',
    ]) {
      const body = { address, port, ...more }
      const answer = await server.ask(path, { method: 'POST', key: server.localKey, body })
      const codes = [/^::ffff|^0x|^\d+$/.test(address) ? 'request.invalid' : '', 'host.address_refused']
      expect(codes, `${path} ${address} ${JSON.stringify(answer.json)}`).toContain(answer.code)
      expect(answer.status).toBe(400)
    }
    expect(connected).toBe(0)
    const hosts = await server.ask('/api/hosts', { key: server.localKey })
    expect(hosts.json.hosts).toEqual([])
  },
)

it.each([false, true])(
  'no host that is known is changed to be reached there, tried or not (skipCheck: %s)',
  async (skipCheck) => {
    const name = `known-${skipCheck}`
    const body = { name, address: '192.0.2.1', credential }
    await server.ask('/api/hosts', { method: 'POST', key: server.localKey, body })
    await server.test.database.pool.query("UPDATE host SET state = 'install_failed'")
    for (const address of ['127.0.0.1', 'localhost', '::1', '169.254.169.254']) {
      const change = { address, port, credential, skipCheck }
      const answer = await server.ask(`/api/hosts/${name}`, {
        method: 'PATCH',
        key: server.localKey,
        body: change,
      })
      expect([address, answer.code]).toEqual([address, 'host.address_refused'])
    }
    expect(connected).toBe(0)
    const { json } = await server.ask(`/api/hosts/${name}`, { key: server.localKey })
    expect(json.host.address).toBe('192.0.2.1')
    await server.test.empty('host')
  },
)

it('a host at a refused address is reached once the operator allows it', async () => {
  server.config.allowedAddresses = new AddressRanges([{ address: '127.0.0.0', prefix: 8 }])
  const body = { address: '127.0.0.1', port }
  const answer = await server.ask('/api/host-keys', { method: 'POST', key: server.localKey, body })
  expect(answer.code).toBe('ssh.unreachable')
  expect(connected).toBe(1)
})
