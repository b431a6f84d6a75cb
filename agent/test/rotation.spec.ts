import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentConfig, type CredentialSet, STAGED_SERVER_NAME } from '@rollcall/contracts/agent'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import { makeIdentity } from './fixtures/certificate.ts'
import { RpcClient, type Target } from './fixtures/rpc-client.ts'

let host: AgentHost
const clients: RpcClient[] = []
beforeEach(async () => {
  host = await AgentHost.create()
  await host.startAgent()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await host.stop()
})

interface Rotation {
  id: string
  credentials: CredentialSet
  target: Target
}

/** Creates a complete new set, including the server's identity. */
function newRotation(): Rotation {
  const [agent, server] = [makeIdentity('agent'), makeIdentity('server')]
  const [token, secretKey] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64url'))
  const path = randomBytes(12).toString('hex')
  if (!token || !secretKey) throw new Error('no secrets')
  const target = { port: host.target.port, path, token, server, signing: { secretKey, agentPin: agent.pin } }
  const credentials = {
    agent_token: token,
    secret_key: secretKey,
    rpc_path: path,
    server_pins: [server.pin],
    certificate: agent.certificate,
    private_key: agent.privateKey,
  }
  return { id: randomUUID(), credentials, target }
}

function clientOf(target: Target): RpcClient {
  const client = new RpcClient(target)
  clients.push(client)
  return client
}
const stage = (client: RpcClient, { id, credentials }: Rotation) =>
  client.call('stage_credentials', { rotation_id: id, credentials })
const commit = (client: RpcClient, { id }: Rotation) => client.call('commit_credentials', { rotation_id: id })
const isLetIn = async (client: RpcClient) =>
  (await client.post('{"jsonrpc":"2.0","id":1,"method":"get_port"}')).status === 200
/** Tells which of the two sets is accepted on new connections. */
const letIn = async ({ target }: Rotation) => ({
  old: await isLetIn(clientOf(host.target)),
  new: await isLetIn(clientOf(target)),
})
async function restart(): Promise<void> {
  await host.agent?.kill()
  await host.startAgent()
}
const sslFile = (name: string) => join(host.folder, 'etc/ssl', name)
const failure = { error: { data: { kind: 'rejected' } } }

describe('credentials are rotated in two slots', () => {
  test('both credential sets are accepted until the new one is committed, then the old one is refused', async () => {
    const rotation = newRotation()
    expect(await letIn(rotation)).toEqual({ old: true, new: false })
    expect((await stage(clientOf(host.target), rotation)).status).toBe('staged')
    expect(await letIn(rotation)).toEqual({ old: true, new: true })
    await commit(clientOf(rotation.target), rotation)
    expect(await letIn(rotation)).toEqual({ old: false, new: true })
    await restart()
    expect(await letIn(rotation)).toEqual({ old: false, new: true })
  })

  test('the staged certificate is presented for its server name, the present one for any other', async () => {
    const rotation = newRotation()
    await stage(clientOf(host.target), rotation)
    const [present, staged] = [host.agentIdentity.pin, rotation.target.signing?.agentPin]
    expect([await host.shownPin(), await host.shownPin(STAGED_SERVER_NAME)]).toEqual([present, staged])
    await commit(clientOf(rotation.target), rotation)
    expect([await host.shownPin(), await host.shownPin(STAGED_SERVER_NAME)]).toEqual([staged, staged])
  })

  test('an open connection survives a rotation while its credentials are accepted', async () => {
    const rotation = newRotation()
    const [before, after] = [clientOf(host.target), clientOf(rotation.target)]
    await stage(before, rotation)
    await after.call('get_port', {})
    expect(await isLetIn(before)).toBe(true)
    await commit(after, rotation)
    await after.call('get_port', {})
    expect(await isLetIn(before)).toBe(false)
  })

  test('credentials that were never used cannot be committed, so they lock nobody out', async () => {
    const rotation = newRotation()
    const client = clientOf(host.target)
    await stage(client, rotation)
    await expect(commit(client, rotation)).rejects.toMatchObject({
      error: { data: { code: 'credentials.not_proven' } },
    })
    expect(await letIn(rotation)).toEqual({ old: true, new: true })
  })

  test('each step of a rotation may be repeated, and a new rotation replaces an abandoned one', async () => {
    const [left, rotation] = [newRotation(), newRotation()]
    const client = clientOf(host.target)
    await stage(client, left)
    for (let time = 0; time < 2; time++) expect((await stage(client, rotation)).status).toBe('staged')
    expect(await letIn(left)).toEqual({ old: true, new: false })
    await expect(stage(client, { ...left, id: rotation.id })).rejects.toMatchObject(failure)
    const after = clientOf(rotation.target)
    for (let time = 0; time < 2; time++) await commit(after, rotation)
    expect((await stage(after, rotation)).status).toBe('committed')
    await expect(commit(after, left)).rejects.toMatchObject({
      error: { data: { code: 'credentials.not_staged' } },
    })
  })

  test('a key of another certificate is refused and changes nothing', async () => {
    const rotation = newRotation()
    rotation.credentials.private_key = makeIdentity('another').privateKey
    await expect(stage(clientOf(host.target), rotation)).rejects.toMatchObject({
      error: { data: { code: 'request.invalid' } },
    })
    expect(await letIn(rotation)).toEqual({ old: true, new: false })
    expect(host.agent?.stderr).not.toContain(rotation.credentials.private_key)
  })
})

describe('a process that dies between any two steps is still reached', () => {
  test('an agent killed after staging is reached by both credential sets', async () => {
    const rotation = newRotation()
    await stage(clientOf(host.target), rotation)
    await restart()
    expect(await letIn(rotation)).toEqual({ old: true, new: true })
    await commit(clientOf(rotation.target), rotation)
    expect(await letIn(rotation)).toEqual({ old: false, new: true })
  })

  /** Each row is the state of the disk after a write of the commit. */
  test.each([
    ['neither key nor certificate was', false, false],
    ['the key but not the certificate was', true, false],
    ['both, but not the end of the commit, were', true, true],
  ])(
    'an agent killed in the commit is reached by the new set when %s written',
    async (_what, hasKey, hasCertificate) => {
      const rotation = newRotation()
      const old = { key: host.agentIdentity.privateKey, certificate: host.agentIdentity.certificate }
      await stage(clientOf(host.target), rotation)
      await commit(clientOf(rotation.target), rotation)
      await host.agent?.kill()
      const { certificate, private_key } = rotation.credentials
      const config = JSON.parse(readFileSync(host.configPath, 'utf8'))
      host.writeConfig({ ...config, placing: { certificate, private_key } })
      if (!hasKey) writeFileSync(sslFile('agent.key'), old.key)
      if (!hasCertificate) writeFileSync(sslFile('agent.crt'), old.certificate)
      await host.startAgent()
      expect(await letIn(rotation)).toEqual({ old: false, new: true })
      expect(readFileSync(sslFile('agent.crt'), 'utf8')).toBe(certificate)
      expect(readFileSync(sslFile('agent.key'), 'utf8')).toBe(private_key)
      expect(agentConfig.parse(JSON.parse(readFileSync(host.configPath, 'utf8'))).placing).toBeUndefined()
    },
  )
})
