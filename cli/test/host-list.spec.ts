import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const namesIn = (stdout: string) =>
  stdout
    .split('\n')
    .slice(1)
    .map((line) => line.split(' ')[0])
    .filter(Boolean)

describe('rollcall host list', () => {
  it('rollcall host list shows every host in columns that no label or version can break', async () => {
    setting.server.addHost('a', 'online', { labels: { env: '\x1b[2J' } })
    setting.server.addHost('longer-name', 'offline', { stateCode: 'agent.unreachable', agent: null })
    const { stdout } = await setting.ended(['host', 'list'])
    expect(stdout.split('\n')).toEqual([
      'NAME         STATE                        SINCE  ANSWERED   CPU   MEMORY  DISK  AGENT  LABELS',
      'a            online                       1 min  1 min ago  12 %  48 %    72 %  0.1.0  env=\uFFFD[2J',
      'longer-name  offline (agent.unreachable)  1 min  never      -     -       -     -      -',
      '',
    ])
  })

  it('rollcall host list reads every page of a large fleet, each host once', async () => {
    const names = Array.from({ length: 7 }, (_, place) => `host-${place}`)
    for (const name of names) setting.server.addHost(name)
    setting.server.fleet.pageSize = 3
    expect(namesIn((await setting.ended(['host', 'list'])).stdout)).toEqual(names)
    expect(setting.server.requests.map(({ query }) => query.after)).toEqual([undefined, 'host-2', 'host-5'])
  })

  it('rollcall host list filters by state and labels', async () => {
    setting.server.addHost('a', 'online', { labels: { env: 'prod', rack: 'b4' } })
    setting.server.addHost('b', 'offline', { labels: { env: 'prod' } })
    setting.server.addHost('c', 'online', { labels: { env: 'staging', rack: 'b4' } })
    const list = async (...args: string[]) => (await setting.ended(['host', 'list', ...args])).stdout
    expect(namesIn(await list('--state', 'online'))).toEqual(['a', 'c'])
    expect(namesIn(await list('--label', 'env=prod'))).toEqual(['a', 'b'])
    expect(namesIn(await list('--label', 'env=prod', '--label', 'rack=b4'))).toEqual(['a'])
    expect(await list('--state', 'degraded')).toBe('No host matches.\n')
    expect(await list('--label', 'toString=x')).toBe('No host matches.\n')
  })

  it('--wide tells the address, the clock and the reason too', async () => {
    const reason = 'The CPU has been above 90 % since 10:00:00 UTC.'
    setting.server.addHost('a', 'degraded', {
      port: 2222,
      stateCode: 'host.cpu_high',
      stateReason: reason,
    })
    setting.server.fleet.reports.set('a', { clockOffsetMs: -3450 })
    const { stdout } = await setting.ended(['host', 'list', '--wide'])
    expect(stdout).toContain('192.0.2.1:2222  degraded (host.cpu_high)  1 min  1 min ago')
    expect(stdout).toContain(`0.25  3 d     2         3 ms  3.4 s behind  0.1.0  -       ${reason}\n`)
  })

  it('values of a host that does not answer stand in parentheses, and those of others do not', async () => {
    setting.server.addHost('gone', 'offline')
    setting.server.addHost('here')
    for (const wide of [[], ['--wide']]) {
      const { stdout } = await setting.ended(['host', 'list', ...wide])
      const [gone, here] = ['gone', 'here'].map((name) =>
        stdout.split('\n').find((line) => line.startsWith(name)),
      )
      expect(gone).toMatch(/ \(12 %\) +\(48 %\) +\(72 %\) /)
      expect(here).toMatch(/ 12 % +48 % +72 % /)
    }
  })

  it('--json gives hosts as "host show" does, with what the roll knows', async () => {
    const host = setting.server.addHost('a')
    const { hosts } = JSON.parse((await setting.ended(['host', 'list', '--json'])).stdout)
    expect(hosts).toEqual([
      {
        ...host,
        lastAnswerAt: expect.any(String),
        roundTripMs: 3.2,
        clockOffsetMs: 12,
        areValuesStale: false,
        cpuPercent: 12.4,
        memoryPercent: 48,
        address: '192.0.2.1',
        nextCallAt: null,
        diskPercent: 71.6,
        load: 0.25,
        uptimeS: 273_600,
        runningCommands: 2,
      },
    ])
  })

  it('rollcall host list says how to add the first host', async () => {
    expect((await setting.ended(['host', 'list'])).stdout).toContain('rollcall host add --help')
    expect(JSON.parse((await setting.ended(['host', 'list', '--json'])).stdout)).toEqual({ hosts: [] })
  })
})
