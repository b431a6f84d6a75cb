import { randomUUID } from 'node:crypto'
import type { HostStatus } from '@rollcall/contracts/admin'
import type { AgentMethodName } from '@rollcall/contracts/agent'
import { describe, expect, it } from 'vitest'
import { AgentHost } from '../../agent/test/fixtures/agent-host.ts'
import { poll } from '../bed/poll.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { makeAgents } from '../load/agents.ts'
import { LoadNamespace, whyNoNamespace } from '../load/namespace.ts'
import { RealAgents } from '../load/real-agents.ts'
import { ServerData } from '../load/seed.ts'
import { KeptRelease, keptVersions } from './kept-release.ts'

const reason = await whyNoNamespace()
if (reason && process.env.CI) throw new Error(reason)

describe.each(await keptVersions())('with release %s', (version) => {
  it.skipIf(reason)(
    `this server calls an agent of an earlier release and runs commands there ${reason ?? ''}`,
    async () => {
      await using release = await KeptRelease.unpack(version)
      await using namespace = await LoadNamespace.open()
      await using server = await ServerProcess.start({
        address: namespace.address,
        launcher: namespace.enter,
      })
      await using data = await ServerData.open(server)
      const agents = makeAgents(1, 'real')
      const serverPins = [await data.serverPin()]
      await using _ = await RealAgents.start({ namespace, agents, serverPins, earlier: release.folder })
      const api = await server.api()
      await api.call('changeHeartbeatProfile', {
        params: { profile: 'default' },
        body: { minMs: 1000, maxMs: 2000 },
      })
      await data.seed(agents, { state: 'offline' })
      const [{ name: host = '' } = {}] = agents
      let status: HostStatus | undefined
      const isOnline = async () => {
        status = await api.call('hostStatus', { params: { host } })
        return status.state === 'online'
      }
      await poll(isOnline, { timeoutMs: 60_000, what: 'the earlier agent to be online' })
      expect(status?.facts).toBeTruthy()
      const run = async (script: string) => {
        const [command] = await api.run({ hosts: [host], program: 'sh', args: ['-c', script] })
        const ended = await api.ended(command?.id ?? '')
        return { ...ended, text: await api.text(ended.id) }
      }
      expect(await run('echo out; exit 3')).toMatchObject({ state: 'failed', exitCode: 3, text: 'out\n' })
      const [slow] = await api.run({ hosts: [host], program: 'sleep', args: ['600'] })
      await api.until(slow?.id ?? '', (seen) => seen.state === 'running')
      await api.call('cancelCommand', { params: { id: slow?.id ?? '' } })
      expect(await api.ended(slow?.id ?? '')).toMatchObject({ state: 'cancelled' })
    },
  )

  it('this agent answers a server of an earlier release in its protocol', async () => {
    await using release = await KeptRelease.unpack(version)
    const methods = await release.methods()
    // As that server has installed it: it signs nothing.
    const host = await AgentHost.start({}, undefined, false)
    try {
      const call = async (name: string, params: object): Promise<Record<string, unknown>> => {
        const method = methods[name]
        if (!method) throw new Error(`release ${version} has no method ${name}`)
        // biome-ignore lint/suspicious/noExplicitAny: the types are of this release, and what is asked is of that one.
        const answer = await host.client.call(name as AgentMethodName, method.params.parse(params) as any)
        return method.result.parse(answer) as Record<string, unknown>
      }
      for (const name of ['health_check', 'heartbeat', 'get_status', 'get_port']) await call(name, {})
      const command_id = randomUUID()
      const args = ['-c', 'cat; exit 3']
      await call('execute_command', { command_id, command: 'sh', args, timeout: 60, stdin: true })
      const data = Buffer.from('typed').toString('base64')
      await call('write_input', { command_id, offset: 0, data, eof: true })
      const log = []
      for (let offset = 0, isFinal = false; !isFinal; ) {
        const answer = await call('get_command_log', { command_id, offset, wait_ms: 5000 })
        log.push(answer)
        offset = answer.new_offset as number
        isFinal = answer.is_final as boolean
      }
      expect(log.at(-1)?.result).toMatchObject({ success: false, return_code: 3 })
      expect(log.map(({ log_data }) => Buffer.from(String(log_data), 'base64').toString()).join('')).toBe(
        'typed',
      )
      expect(await call('cancel_command', { command_id })).toMatchObject({ status: 'failed' })
      expect(await call('release_command', { command_id })).toMatchObject({ released: true })
      expect(await call('withdraw_command', { command_id: randomUUID() })).toMatchObject({ withdrawn: true })
    } finally {
      await host.stop()
    }
  })
})
