import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { HostView, RotationHost } from '@rollcall/contracts/admin'
import { AGENT_PATHS, type AgentConfigInput } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet, killAgent } from '../fleet/fleet.ts'
import type { ServerProcess } from '../fleet/server-process.ts'

const noBed = await whyNoBed()
const POWER_CUTS = 12
const ROTATION_MS = 1200
const TIMEOUT = { timeout: 150_000, interval: 50 }

describe.skipIf(noBed)(`credentials of an agent ${noBed ?? ''}`, () => {
  let fleet: Fleet
  let host: Host
  let server: ServerProcess
  let api: Api

  beforeAll(async () => {
    fleet = await Fleet.open('rotation', [{ name: 'turned' }])
    ;({ server, api } = fleet)
    ;[host] = fleet.hosts as [Host]
    await api.call('changeHeartbeatProfile', {
      params: { profile: 'default' },
      body: { minMs: 1000, maxMs: 2000 },
    })
  })
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  const config = async () =>
    JSON.parse(await readFile(join(host.root, AGENT_PATHS.config), 'utf8')) as AgentConfigInput
  const shown = async () => {
    const { hosts } = await api.call('listRotations')
    return hosts[0] as RotationHost
  }
  const rotate = async () => {
    const before = await config()
    await api.call('startRotation', { body: { hosts: ['turned'] } })
    return before
  }
  const ended = () => expect.poll(async () => (await shown()).rotation, TIMEOUT).toBeNull()
  /** Both sides have the new set alone, and it works. */
  const expectRotated = async (before: AgentConfigInput) => {
    await ended()
    const after = await config()
    expect(after.agent_token).not.toBe(before.agent_token)
    expect(after.rpc_path).not.toBe(before.rpc_path)
    expect(after.staged).toBeUndefined()
    const [command] = await api.run({ hosts: ['turned'], program: 'echo', args: ['still here'] })
    expect(await api.ended(command?.id ?? '')).toMatchObject({ state: 'success' })
  }

  it('credentials are rotated on demand under a running command, without an error', async () => {
    const script = 'for i in $(seq 1 20); do echo $i; sleep 0.2; done'
    const [running] = await api.run({ hosts: ['turned'], program: 'sh', args: ['-c', script] })
    await api.until(running?.id ?? '', (seen) => seen.outputBytes > 0)
    const pinBefore = (await api.host('turned')).agent?.certificatePin
    const certificate = await readFile(join(host.root, AGENT_PATHS.certificate), 'utf8')
    await expectRotated(await rotate())
    expect(await readFile(join(host.root, AGENT_PATHS.certificate), 'utf8')).not.toBe(certificate)
    expect(await api.ended(running?.id ?? '')).toMatchObject({ state: 'success', droppedBytes: 0 })
    expect(await api.text(running?.id ?? '')).toBe(
      Array.from({ length: 20 }, (_, i) => `${i + 1}\n`).join(''),
    )
    const after: HostView = await api.host('turned')
    expect(after.agent?.certificatePin).not.toBe(pinBefore)
    expect(after.agent?.rotatedAt).not.toBeNull()
    const { events } = await api.call('hostHistory', { params: { host: 'turned' } })
    expect(events.map(({ to }) => to)).not.toContain('credentials_refused')
    expect(events.map(({ to }) => to)).not.toContain('identity_changed')
  })

  it('credentials are rotated with a new identity of the servers, the only one that the agent then accepts', async () => {
    const before = await config()
    const { identities } = await api.call('renewServerIdentity')
    const [newest, old] = identities.map(({ pin }) => pin)
    expect(before.server_pins).toEqual([old])
    await expectRotated(before)
    expect((await config()).server_pins).toEqual([newest])
    expect(await api.call('showHost', { params: { host: 'turned' } })).toMatchObject({ serverPin: newest })
    await server.restart('SIGKILL')
    const [command] = await api.run({ hosts: ['turned'], program: 'true', args: [] })
    expect(await api.ended(command?.id ?? '')).toMatchObject({ state: 'success' })
    expect(await api.call('listServerIdentities')).toMatchObject({
      identities: [
        { pin: newest, agents: 1 },
        { pin: old, agents: 0 },
      ],
    })
  })

  it('credentials work and the rotation ends when the server is killed again and again', async () => {
    const before = await rotate()
    for (let count = 0; count < 3; count++) await server.restart('SIGKILL')
    await expectRotated(before)
  })

  it('credentials work and the rotation ends when the agent is killed in the middle', async () => {
    await host.exec(['systemctl', 'stop', 'rollcall-agent.service'])
    const before = await rotate()
    await host.exec(['systemctl', 'start', 'rollcall-agent.service'])
    const isReported = async () => Boolean((await config()).staged) || (await shown()).rotation === null
    await expect.poll(isReported, TIMEOUT).toBe(true)
    await killAgent(host)
    await expectRotated(before)
  })

  it('credentials reach a host that was off when they were made, after its boot', async () => {
    await host.powerOff()
    const before = await rotate()
    await expect.poll(async () => (await api.host('turned')).state, TIMEOUT).toBe('offline')
    expect((await shown()).rotation?.phase).toBe('made')
    await host.boot()
    await expectRotated(before)
  })

  it('credentials work and the rotation ends over twelve losses of power', async () => {
    for (let cut = 0; cut < POWER_CUTS; cut++) {
      const before = await rotate()
      // Spread over the second that a rotation takes, so that each of its steps is met.
      await delay((cut * ROTATION_MS) / POWER_CUTS)
      await host.powerOff()
      await host.boot()
      await expectRotated(before)
    }
  })
})
