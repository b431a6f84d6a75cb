import { once } from 'node:events'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../src/agent/load-config.ts'
import { StartError } from '../src/platform/start-error.ts'
import { AgentHost } from './fixtures/agent-host.ts'
import { makeIdentity } from './fixtures/certificate.ts'

const hosts: AgentHost[] = []
let host: AgentHost
beforeEach(async () => {
  host = await AgentHost.create()
  hosts.push(host)
})
afterAll(() => Promise.all(hosts.map((each) => each.stop())))

const without = (key: string) =>
  Object.fromEntries(Object.entries(host.config).filter(([name]) => name !== key))

/** Returns why the agent does not start. */
function refusal(): string {
  try {
    loadConfig(host.configPath)
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
  throw new Error('the config is accepted')
}

describe('an invalid config stops the start', () => {
  test.each([
    ['agent_token', ''],
    ['agent_token', 'short'],
    ['secret_key', 7],
    ['rpc_port', 0],
    ['rpc_port', 70_000],
    ['rpc_port', '8000'],
    ['rpc_path', 'short'],
    ['rpc_path', '../../../../etc/passwd'],
    ['server_pins', []],
    ['server_pins', ['sha1/x']],
    ['limits', { connections: 0 }],
  ])('the agent does not start with %s = %j, and names both', (key, value) => {
    host.writeConfig({ ...host.config, [key]: value })
    const words = refusal()
    expect(words).toContain(`${host.configPath}: ${key}`)
    if (typeof value === 'string' && value.length > 5) expect(words).not.toContain(value)
  })

  test.each(['agent_token', 'secret_key', 'rpc_port', 'rpc_path', 'server_pins'])(
    'the agent does not start without %s',
    (key) => {
      host.writeConfig(without(key))
      expect(refusal()).toContain(`${host.configPath}: ${key}`)
    },
  )

  test('the agent does not start with an unknown field, which may be a typo', () => {
    host.writeConfig({ ...host.config, server_pin: [] })
    expect(refusal()).toContain(`${host.configPath}: server_pin: `)
  })

  test('the agent does not start with malformed JSON, and quotes no secret of it', () => {
    host.writeConfig(JSON.stringify(host.config).replace('"secret_key"', 'secret_key'))
    const words = refusal()
    expect(words).toContain(`${host.configPath}: is not JSON`)
    expect(words).not.toContain(host.target.token)
  })

  test('the agent does not start without a config', () => {
    rmSync(host.configPath)
    expect(refusal()).toContain(`${host.configPath}: cannot be read (ENOENT)`)
  })

  test.each([0o644, 0o640, 0o400, 0o700])('the agent does not start with mode %o of the config', (mode) => {
    chmodSync(host.configPath, mode)
    expect(refusal()).toContain(`${host.configPath}: has mode 0${mode.toString(8)}, must be 0600`)
  })

  test('the agent does not start with a private key that others can read', () => {
    const path = join(host.folder, 'etc/ssl/agent.key')
    chmodSync(path, 0o644)
    expect(refusal()).toContain(`${path}: has mode 0644`)
  })

  test('the agent does not start with a malformed certificate', () => {
    const path = join(host.folder, 'etc/ssl/agent.crt')
    writeFileSync(path, 'nonsense')
    expect(refusal()).toContain(`${path}: is not a certificate in PEM`)
  })

  test('the agent does not start with a malformed key, and quotes nothing of it', () => {
    const path = join(host.folder, 'etc/ssl/agent.key')
    const text = readFileSync(path, 'utf8').replace('BEGIN', 'BEGAN')
    writeFileSync(path, text)
    const words = refusal()
    expect(words).toContain(`${path}: is not a private key in PEM`)
    expect(words).not.toContain(text.split('\n')[1])
  })

  test('the agent does not start with the key of another certificate', () => {
    const path = join(host.folder, 'etc/ssl/agent.key')
    writeFileSync(path, makeIdentity('other').privateKey)
    expect(refusal()).toContain(`${path}: does not belong to the certificate`)
  })
})

test.each<[string, () => void, string]>([
  [
    'a wrong field',
    () => host.writeConfig({ ...host.config, rpc_port: '8000', server_pin: [] }),
    'config.json: server_pin: ',
  ],
  [
    'malformed JSON',
    () => host.writeConfig(JSON.stringify(host.config).replace('"secret_key"', 'secret_key')),
    'config.json: is not JSON',
  ],
  [
    'the key of another certificate',
    () => writeFileSync(join(host.folder, 'etc/ssl/agent.key'), makeIdentity('other').privateKey),
    'agent.key: does not belong to the certificate',
  ],
])(
  'the agent ends with exit code 78 for %s, says so in its log and tells no secret',
  async (_what, spoil, words) => {
    spoil()
    const agent = host.launchAgent()
    expect(await agent.exited).toBe(78)
    expect(agent.stderr).toContain(words)
    expect(agent.stderr).not.toContain(host.target.token)
  },
)

test('a port in use is named in the log, and systemd retries the start', async () => {
  const other = createServer().listen(host.target.port)
  await once(other, 'listening')
  const agent = host.launchAgent()
  expect(await agent.exited).toBe(1)
  expect(agent.stderr).toContain(`rpc_port ${host.target.port} is in use`)
  other.close()
})

test('TERM ends the agent with exit code 0 at once, even while a long poll waits', async () => {
  await host.startRunner()
  await host.startAgent()
  const id = await host.shell('sleep 30')
  const waiting = host.log(id, 0, { wait_ms: 25_000 })
  await host.client.call('heartbeat', {})
  const started = Date.now()
  expect(await host.agent?.kill('SIGTERM')).toBe(0)
  expect(Date.now() - started).toBeLessThan(2500)
  expect(await waiting).toMatchObject({ is_final: false, log_data: '' })
})
