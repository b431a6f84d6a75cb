import type { HostEvent, HostSample } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { atTerminal, hasScript } from './at-terminal.ts'
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
  it('rollcall host status shows the last report, and warns of a clock that is off', async () => {
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

  it('rollcall host status says that there is no such host', async () => {
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

  it('rollcall host history shows the newest last, with durations and whole reasons', async () => {
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

  it('rollcall host history of a new host says that nothing has changed', async () => {
    setting.server.addHost('a')
    expect((await setting.ended(['host', 'history', 'a'])).stdout).toBe('Its state has not changed yet.\n')
  })
})

describe('rollcall host samples', () => {
  const start = Date.parse('2026-03-01T00:00:00Z')
  const sample = (place: number, cpuPercent: number): HostSample => ({
    at: new Date(start + place * 300_000).toISOString(),
    count: 8,
    cpuPercent,
    cpuPeakPercent: cpuPercent,
    memoryPercent: 50,
    memoryPeakPercent: 62.5,
    load: cpuPercent / 50,
    diskPeakPercent: 71,
  })

  it('rollcall host samples prints plain numbers unless on a terminal', async () => {
    setting.server.addHost('a')
    setting.server.fleet.samples.set('a', [sample(0, 10), sample(1, 100)])
    const { stdout } = await setting.ended(['host', 'samples', 'a'])
    expect(stdout.split('\n')).toEqual([
      'AT                    CPU_PERCENT  CPU_PEAK  MEMORY_PERCENT  MEMORY_PEAK  DISK_PEAK  LOAD',
      '2026-03-01T00:00:00Z  10.0         10.0      50.0            62.5         71.0       0.20',
      '2026-03-01T00:05:00Z  100.0        100.0     50.0            62.5         71.0       2.00',
      '',
    ])
    expect(setting.server.requests.at(-1)?.query).toEqual({ resolution: '5m' })
  })

  it('--resolution asks for the week, and --json is the whole answer', async () => {
    setting.server.addHost('a')
    setting.server.fleet.samples.set('a', [sample(0, 10)])
    const { stdout } = await setting.ended(['host', 'samples', 'a', '--resolution', '1h', '--json'])
    expect(JSON.parse(stdout)).toEqual({ samples: [sample(0, 10)] })
    expect(setting.server.requests.at(-1)?.query).toEqual({ resolution: '1h' })
  })

  it.skipIf(!hasScript)(
    'rollcall host samples draws a chart with gaps, no wider than the terminal',
    async () => {
      setting.server.addHost('a')
      const day = Array.from({ length: 288 }, (_, place) => sample(place, place < 144 ? 1 : 99))
      setting.server.fleet.samples.set('a', day.slice(0, 72).concat(day.slice(144)))
      const shown = await atTerminal(setting.server.dataDir, ['host', 'samples', 'a']).ended()
      const lines = shown.split('\r\n')
      expect(lines[0]).toMatch(/^CPU {5}▁+ +█+ {2}now 99 %, peak 99 %$/)
      expect(lines[1]).toMatch(/^Memory {2}▅+ +▅+ {2}now 50 %, peak 63 %$/)
      expect(lines[2]).toMatch(/^Load {4}▁+ +█+ {2}now 1\.98, most 1\.98$/)
      expect(Math.max(...lines.slice(0, 3).map((line) => line.length))).toBeLessThanOrEqual(100)
      expect(lines[4]).toMatch(/^From 2026-03-01T00:00:00Z to 2026-03-01T23:55:00Z\. A block is 25m; /)
    },
  )
})
