import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sealer } from '../platform/crypto/sealer.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import type { ProvisioningEnd } from './domain/host.ts'
import { HostsRepository } from './hosts.repository.ts'

let test: TestDatabase
let hosts: HostsRepository

beforeAll(async () => {
  test = await TestDatabase.open()
  hosts = new HostsRepository(test.database, new Sealer(randomBytes(32)))
})
afterAll(() => test.close())

const at = new Date('2026-01-01T00:00:00Z')

async function addHost(lastProvisioning: string): Promise<string> {
  const id = randomUUID()
  await test.database.prisma.host.create({
    data: {
      id,
      name: `host-${id}`,
      address: 'a',
      sshPort: 22,
      sshUser: 'root',
      credential: Buffer.of(1),
      state: 'installing',
      stateSince: new Date(0),
      createdAt: new Date(0),
      lastProvisioning,
    },
  })
  return id
}
const end = (ends: readonly ProvisioningEnd[]) =>
  test.database.transaction((transaction) => hosts.endProvisioning(transaction, ends))

describe('the end of an installation or removal', () => {
  it('sets the state of its host with the reason, and removes the host that was removed', async () => {
    const commandId = randomUUID()
    const [failed, online, removed] = [
      await addHost(commandId),
      await addHost(commandId),
      await addHost(commandId),
    ]
    const because = { code: 'ssh.auth_failed', reason: 'no' }
    await end([
      { commandId, hostId: failed, state: 'install_failed', ...because, at },
      { commandId, hostId: online, state: 'online', code: null, reason: null, at },
      { commandId, hostId: removed, state: 'removed', code: null, reason: null, at },
    ])
    expect(await hosts.find(failed)).toMatchObject({
      state: 'install_failed',
      stateCode: 'ssh.auth_failed',
      stateReason: 'no',
      stateSince: at,
    })
    expect(await hosts.find(online)).toMatchObject({ state: 'online', stateCode: null })
    expect(await hosts.find(removed)).toBeNull()
  })

  it('the end of an installation does not touch a host that a newer command works on', async () => {
    const host = await addHost(randomUUID())
    const stale = { commandId: randomUUID(), hostId: host, code: null, reason: null, at }
    await end([{ ...stale, state: 'install_failed' }])
    await end([{ ...stale, state: 'removed' }])
    expect(await hosts.find(host)).toMatchObject({ state: 'installing' })
  })
})
