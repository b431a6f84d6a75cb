import { join } from 'node:path'
import type { CommandView } from '@rollcall/contracts/admin'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import type { CallInput } from '@rollcall/contracts/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, whyNoBed } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { prepared } from '../fleet/shared.ts'

const noBed = await whyNoBed()

describe.skipIf(noBed)(`how hosts are reached, and machines under two names ${noBed ?? ''}`, () => {
  let bed: Bed
  let server: ServerProcess
  let api: Api
  let machine: Host
  let other: Host
  let credential: Awaited<ReturnType<typeof keyCredential>>

  beforeAll(async () => {
    bed = await Bed.open({ name: 'host-reach' })
    const booting = bed.boot(prepared([{ name: 'machine' }, { name: 'other' }]))
    server = await ServerProcess.start({ env: { ROLLCALL_AGENT_PORTS: '7300-7320' } })
    ;[machine, other] = (await booting) as [Host, Host]
    api = await server.api()
    credential = await keyCredential(bed)
  }, 180_000)
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await bed?.close()
  })

  const add = (name: string, host: Host, more: object = {}) =>
    api.addHost({ name, address: host.address, credential, ...more })
  const set = (name: string, change: CallInput<'changeHost'>['body']) =>
    api.call('changeHost', { params: { host: name }, body: change })
  const install = async (name: string, query: CallInput<'installHost'>['query'] = {}) => {
    const { commandId } = await api.call('installHost', { params: { host: name }, query })
    return api.ended(commandId)
  }
  const remove = async (name: string) =>
    api.ended((await api.call('removeHost', { params: { host: name } })).commandId ?? '')
  const show = (name: string) => api.call('showHost', { params: { host: name } })
  const states = async () =>
    Object.fromEntries((await api.call('listHosts')).hosts.map(({ name, state }) => [name, state]))
  const runs = async (name: string) => {
    const [command] = await api.run({ hosts: [name], program: 'true' })
    return (await api.ended((command as CommandView).id)).state
  }
  const ownerOn = (host: Host) =>
    host.output(['cat', `${AGENT_PATHS.config.replace('config.json', 'owner')}`])

  it('an agent is given one of the configured ports', async () => {
    const added = await add('alpha', machine)
    expect(added.state, await api.text(added.id)).toBe('success')
    const { agent } = await api.host('alpha')
    expect(agent?.port).toBeGreaterThanOrEqual(7300)
    expect(agent?.port).toBeLessThanOrEqual(7320)
  }, 120_000)

  it('a machine under a second name is refused unchanged, and removing that name leaves the first alone', async () => {
    const owner = await ownerOn(machine)
    const added = await add('beta', machine)
    expect(added).toMatchObject({ state: 'failed', reasonCode: 'host.same_machine' })
    expect(await api.text(added.id)).not.toContain('alpha')
    expect((await show('beta')).sameMachineAs).toEqual({ name: 'alpha' })
    const removed = await remove('beta')
    expect(removed.state).toBe('success')
    expect(await api.text(removed.id)).toContain('belongs to another host of the fleet; nothing was removed')
    expect(await ownerOn(machine)).toBe(owner)
    expect(await runs('alpha')).toBe('success')
  }, 120_000)

  it('an agent is taken over on purpose only, and not taken back automatically', async () => {
    const added = await add('beta', machine, { allowDuplicate: true })
    expect(added).toMatchObject({ state: 'failed', reasonCode: 'host.agent_taken' })
    expect(await runs('alpha')).toBe('success')
    expect(await install('beta', { takeOver: 'true' })).toMatchObject({ state: 'success' })
    expect(await runs('beta')).toBe('success')
    expect(await install('alpha')).toMatchObject({ state: 'failed', reasonCode: 'host.agent_taken' })
    expect(await install('beta')).toMatchObject({ state: 'success' })
    expect((await remove('alpha')).state).toBe('success')
    expect(await runs('beta')).toBe('success')
    expect(await states()).toEqual({ beta: expect.stringMatching(/online|degraded/) })
  }, 240_000)

  it('a clone is detected by its machine id, whatever its SSH host key, and left unchanged', async () => {
    const id = await machine.output(['cat', '/etc/machine-id'])
    await other.output(['sh', '-c', 'cat > /etc/machine-id'], { input: id })
    const added = await add('clone', other)
    expect(added).toMatchObject({ state: 'failed', reasonCode: 'host.same_machine' })
    expect(added.reason).toContain('the machine id of')
    const traces = [AGENT_PATHS.config, AGENT_PATHS.state, join(AGENT_PATHS.program, 'current')]
    expect((await other.exec(['ls', '-d', ...traces])).stdout).toBe('')
    await other.output(['sh', '-c', 'rm /etc/machine-id; systemd-machine-id-setup'])
    expect(await install('clone')).toMatchObject({ state: 'success' })
  }, 180_000)

  it('a host with a new key is accepted by the command that its error names', async () => {
    await other.changeSshHostKey()
    const refused = await install('clone')
    expect(refused.reasonCode).toBe('host.key_changed')
    const [, fingerprint] =
      /rollcall host set \S+ --host-key (SHA256:\S{43})/.exec(refused.reason ?? '') ?? []
    const { host } = await set('clone', { hostKey: fingerprint })
    expect(host.hostKey).toBe(fingerprint)
    expect(await install('clone')).toMatchObject({ state: 'success' })
  }, 180_000)

  it('an agent moves to another port over a kill of the server, and not to one that is taken', async () => {
    const before = await api.host('clone')
    const { commandId, host } = await set('clone', { agentPorts: '7401' })
    expect(host.agent).toMatchObject({ port: before.agent?.port, nextPort: 7401 })
    await api.until(commandId as string, ({ outputBytes }) => outputBytes > 0)
    await server.restart()
    const moved = await api.ended(commandId as string)
    expect(moved.state, await api.text(moved.id)).toBe('success')
    const after = await api.host('clone')
    expect(after).toMatchObject({ id: before.id, agent: { port: 7401, nextPort: null } })
    expect(after.agent?.certificatePin).toBe(before.agent?.certificatePin)
    expect(await runs('clone')).toBe('success')

    await other.output(['systemd-run', '--quiet', '--unit=squatter', 'python3', '-m', 'http.server', '7402'])
    const isTaken = async () => (await other.output(['ss', '-ltnH', 'sport = :7402'])) !== ''
    await poll(isTaken, { timeoutMs: 10_000, what: 'the squatter' })
    const squatted = await set('clone', { agentPorts: '7402', skipCheck: true })
    expect(await api.ended(squatted.commandId as string)).toMatchObject({ reasonCode: 'host.port_taken' })
    expect((await api.host('clone')).agent).toMatchObject({ port: 7401, nextPort: null })
    expect(await runs('clone')).toBe('success')
  }, 240_000)
})
