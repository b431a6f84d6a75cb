import { RollcallError } from '@rollcall/contracts'
import type { RotationHost } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const MADE = '2026-01-01T00:00:00.000Z'
const ROTATED = '2026-03-01T10:00:00.000Z'

const underWay = (host: { id: string; name: string }, reason: string | null = null): RotationHost => ({
  host: { id: host.id, name: host.name },
  credentialsAt: MADE,
  rotatedAt: null,
  rotation: {
    id: host.id,
    phase: 'made',
    requestedBy: 'ada',
    startedAt: ROTATED,
    failures: reason ? 3 : 0,
    reasonCode: reason && 'agent.unreachable',
    reason,
  },
})
const rotated = (host: { id: string; name: string }): RotationHost => ({
  host: { id: host.id, name: host.name },
  credentialsAt: ROTATED,
  rotatedAt: ROTATED,
  rotation: null,
})
const sent = () => setting.server.requests.find(({ name }) => name === 'startRotation')?.body

describe('rollcall rotate', () => {
  it.each([
    [['a', 'b'], { hosts: ['a', 'b'] }],
    [['--host', 'a'], { hosts: ['a'] }],
    [['--label', 'env=prod'], { labels: ['env=prod'] }],
    [['--all'], { all: true }],
  ])('%j asks for those, and tells who is left out and why', async (args, target) => {
    const a = setting.server.addHost('a')
    setting.server.handlers.startRotation = () => ({
      hosts: [underWay(a)],
      skipped: [{ host: 'c', reason: 'It has no agent.' }],
    })
    const { exitCode, stdout, stderr } = await setting.ended(['rotate', ...args])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'skipped: c: It has no agent.\n' })
    expect(sent()).toMatchObject(target)
    expect(stdout).toMatch(/^a +2026-01-01T00:00:00\.000Z +never +made +-$/m)
  })

  it('--wait ends when each has them', async () => {
    const a = setting.server.addHost('a')
    let requests = 0
    setting.server.handlers.startRotation = () => ({ hosts: [underWay(a)], skipped: [] })
    setting.server.handlers.listRotations = () => ({ hosts: [++requests < 2 ? underWay(a) : rotated(a)] })
    const { exitCode, stdout } = await setting.ended(['rotate', 'a', '--wait', '--json'])
    expect({ exitCode, hosts: JSON.parse(stdout).hosts }).toEqual({ exitCode: 0, hosts: [rotated(a)] })
    expect(requests).toBe(2)
  })

  it('--wait says so when the time is over, and that it goes on', async () => {
    const a = setting.server.addHost('a')
    setting.server.handlers.startRotation = () => ({ hosts: [underWay(a)], skipped: [] })
    setting.server.handlers.listRotations = () => ({ hosts: [underWay(a, 'The agent does not answer.')] })
    const { exitCode, stdout, stderr } = await setting.ended(['rotate', 'a', '--wait', '--timeout', '1'])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('The agent does not answer.')
    expect(stderr).toContain(
      '1 of 1 hosts do not have them yet. The rotation continues: see "rollcall rotate status"',
    )
  })

  it('status tells of all', async () => {
    const hosts = [setting.server.addHost('a'), setting.server.addHost('b')]
    setting.server.handlers.listRotations = () => ({ hosts: hosts.map(rotated) })
    const { stdout } = await setting.ended(['rotate', 'status'])
    expect(stdout.trimEnd().split('\n')).toHaveLength(3)
    expect(JSON.parse((await setting.ended(['rotate', 'status', '--json'])).stdout).hosts).toHaveLength(2)
  })

  it('rollcall rotate needs hosts, and shows the error of the server', async () => {
    expect(await setting.ended(['rotate'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Say which hosts: their names, --label SELECTOR or --all.'),
    })
    expect(setting.server.requests).toEqual([])
    setting.server.onRequest = () => {
      throw new RollcallError('host.not_found', 'There is no host named nope.')
    }
    expect(await setting.ended(['rotate', 'nope'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('There is no host named nope. (host.not_found)'),
    })
  })
})
