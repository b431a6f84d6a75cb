import type { HostEvent } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()

const VITALS = {
  uptimeS: 273_600,
  load: [3.5, 2.25, 1] as [number, number, number],
  cpuPercent: 93.6,
  memoryPercent: 50,
  memory: { totalBytes: 4096, availableBytes: 2048, swapTotalBytes: 0, swapFreeBytes: 0 },
  disks: [{ mount: '/srv', filesystem: 'ext4', totalBytes: 4096, availableBytes: 1024 }],
  runningCommands: 1,
}

describe('rollcall host status', () => {
  it('shows what a host last reported, and warns of a clock that is off', async () => {
    setting.server.addHost('a')
    setting.server.fleet.statuses.set('a', { vitals: VITALS, clockOffsetMs: -61_000 })
    const { exitCode, stdout } = await setting.ended(['host', 'status', 'a'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^CPU +94 %$/m)
    expect(stdout).toMatch(/^Clock +1 min 1 s behind\. WARNING: /m)
    expect(stdout).toMatch(/^\/srv +ext4 +4\.0 KiB +1\.0 KiB +75 %$/m)
  })

  it('--json gives the whole answer as one document', async () => {
    const { id } = setting.server.addHost('a')
    setting.server.fleet.statuses.set('a', { vitals: VITALS })
    const { stdout } = await setting.ended(['host', 'status', 'a', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ host: { id, name: 'a' }, state: 'online', vitals: VITALS })
  })

  it('says that there is no such host', async () => {
    expect(await setting.ended(['host', 'status', 'a'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('(host.not_found)'),
    })
  })
})

describe('rollcall host history', () => {
  const start = Date.now() - 10_000
  const minutesAgo = (minutes: number) => new Date(start - minutes * 60_000).toISOString()
  const events = (): HostEvent[] => [
    { id: 3, at: minutesAgo(5), from: 'offline', to: 'online', code: null, reason: null },
    {
      id: 2,
      at: minutesAgo(7),
      from: 'online',
      to: 'offline',
      code: 'agent.unreachable',
      reason: `No answer to 4 calls${' at all'.repeat(100)}.`,
    },
    { id: 1, at: minutesAgo(67), from: null, to: 'installing', code: null, reason: null },
  ]

  it('is a log: newest last, with how long each state lasted and the whole reason', async () => {
    setting.server.addHost('a')
    setting.server.fleet.events.set('a', events())
    const { stdout } = await setting.ended(['host', 'history', 'a'])
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^AT +STATE +LASTED +REASON$/),
      expect.stringMatching(/^\S+T\S+:\d\dZ {2}installing {2}1 h 0 min$/),
      expect.stringMatching(
        /^\S+Z {2}offline {5}2 min 0 s +No answer to 4 calls( at all){100}\. \(agent\.unreachable\)$/,
      ),
      expect.stringMatching(/^\S+Z {2}online {6}5 min \d+ s so far$/),
      '',
    ])
  })

  it('--limit keeps the newest, and --json is as the server has it', async () => {
    setting.server.addHost('a')
    setting.server.fleet.events.set('a', events())
    const { stdout } = await setting.ended(['host', 'history', 'a', '--limit', '2', '--json'])
    expect(JSON.parse(stdout).events.map(({ id }: HostEvent) => id)).toEqual([3, 2])
  })

  it('of a host to which nothing has happened says so', async () => {
    setting.server.addHost('a')
    expect((await setting.ended(['host', 'history', 'a'])).stdout).toBe('Nothing has happened to it yet.\n')
  })
})
