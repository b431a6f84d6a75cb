import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHost, ended } from './fixtures/agent-host.ts'
import { RpcFailure } from './fixtures/rpc-client.ts'

const SECRET = 'a-secret-of-the-operator'

let host: AgentHost
beforeAll(async () => {
  host = await AgentHost.start()
})
afterAll(() => host.stop())

// The tools are missing: the program fails at once, and the order stays, as after a crash before it was read.
const order = (more: object = {}) => ({
  command_id: randomUUID(),
  tools_version: '0'.repeat(64),
  playbook: 'check_service.yml',
  extra_vars: { token: SECRET },
  nonce: 'n'.repeat(32),
  timeout: 60,
  ...more,
})
const folder = () => join(host.folder, 'state/playbooks')
const orders = () => (existsSync(folder()) ? readdirSync(folder()) : [])

describe('a playbook', () => {
  test('the variables of a playbook are in a file for root alone, and in no record of its command', async () => {
    const params = order()
    const answer = await host.client.call('execute_ansible', params)
    expect(answer).toEqual({ command_id: params.command_id, status: 'running' })
    const file = join(folder(), `${params.command_id}.json`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const written = JSON.parse(readFileSync(file, 'utf8'))
    expect(written).toMatchObject({ extra_vars: { token: SECRET }, expected_digest: null, timeout: null })
    // In the words of the tools of earlier servers too.
    expect(written).toMatchObject({ variables: { token: SECRET }, expected: null, project: null })
    const { result } = ended(await host.follow(params.command_id))
    expect(result).toMatchObject({ status: 'failed', return_code: 2 })
    const records = host.commandFolder(params.command_id)
    for (const name of readdirSync(records))
      expect(readFileSync(join(records, name), 'utf8')).not.toContain(SECRET)
  })

  test('a playbook sent again is the same command, and with other variables it is refused', async () => {
    const params = order()
    await host.client.call('execute_ansible', params)
    await host.follow(params.command_id)
    expect(await host.client.call('execute_ansible', params)).toMatchObject({ status: 'failed' })
    const other = host.client.call('execute_ansible', { ...params, extra_vars: { token: 'other' } })
    const error = await other.catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(RpcFailure)
    expect((error as RpcFailure).error.data.code).toBe('command.id_conflict')
  })

  test('a playbook that is released, or whose agent restarts, leaves no order', async () => {
    const params = order()
    await host.client.call('execute_ansible', params)
    await host.follow(params.command_id)
    await host.client.call('release_command', { command_id: params.command_id })
    expect(orders()).not.toContain(`${params.command_id}.json`)
    mkdirSync(folder(), { recursive: true })
    writeFileSync(join(folder(), `${randomUUID()}.json`), '{}')
    await host.agent?.kill()
    await host.startAgent()
    expect(orders()).toEqual([])
  })

  test('a playbook of a collection runs from the folder of its version', async () => {
    const params = order({ collection: { name: 'mysite', version: '1'.repeat(64) } })
    await host.client.call('execute_ansible', params)
    const { project } = JSON.parse(readFileSync(join(folder(), `${params.command_id}.json`), 'utf8'))
    expect(project).toBe(`/opt/rollcall-tools/collections/mysite/${'1'.repeat(64)}`)
    await host.follow(params.command_id)
    for (const name of ['..', 'a/b', 'A', '']) {
      const other = order({ collection: { name, version: '1'.repeat(64) } })
      const error = await host.client.call('execute_ansible', other).catch((failure: unknown) => failure)
      expect((error as RpcFailure).error.data.code, name).toBe('request.invalid')
    }
  })

  test.each(['/etc/x.yml', '../x.yml', 'a/../../x.yml', 'x.sh', ''])(
    'the playbook path %j is refused',
    async (playbook) => {
      const error = await host.client
        .call('execute_ansible', order({ playbook }))
        .catch((failure: unknown) => failure)
      expect((error as RpcFailure).error.data.code).toBe('request.invalid')
    },
  )
})
