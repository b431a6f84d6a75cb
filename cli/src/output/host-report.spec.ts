import type { HostContainer, HostFacts, HostStatus, HostVitals } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { hostReport } from './host-report.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const GIB = 1024 ** 3

const container = (more: Partial<HostContainer>): HostContainer => ({
  engine: 'podman',
  id: 'a'.repeat(64),
  name: 'web',
  image: 'docker.io/library/nginx:1.27',
  state: 'running',
  health: null,
  startedAt: '2026-03-01T09:00:00Z',
  endedAt: null,
  exitCode: null,
  ports: [],
  arePortsCut: false,
  ...more,
})

const FACTS: HostFacts = {
  agentVersion: '0.1.0',
  hostname: 'web-1',
  os: { id: 'debian', version: '12', name: 'Debian GNU/Linux 12 (bookworm)' },
  kernel: '6.1.0-18-amd64',
  architecture: 'x86_64',
  bootId: '01234567-89ab-cdef-0123-456789abcdef',
  cores: 4,
  timeZone: 'Europe/Berlin',
  openPorts: [
    { protocol: 'tcp', address: '0.0.0.0', port: 443 },
    { protocol: 'tcp', address: '::', port: 443 },
    { protocol: 'tcp', address: '::', port: 22 },
    { protocol: 'tcp', address: '0.0.0.0', port: 22 },
    { protocol: 'tcp', address: '127.0.0.1', port: 5432 },
    { protocol: 'udp', address: '0.0.0.0', port: 68 },
  ],
  areOpenPortsCut: false,
  containers: [
    container({
      health: 'healthy',
      ports: [
        { protocol: 'tcp', hostAddress: '0.0.0.0', hostPort: 8080, containerPort: 80, count: 1 },
        { protocol: 'udp', hostAddress: '::', hostPort: 7000, containerPort: 9000, count: 3 },
      ],
    }),
    container({ name: 'job', state: 'exited', endedAt: '2026-03-01T11:55:00Z', exitCode: 137 }),
    container({ name: 'new', state: 'created', startedAt: null, arePortsCut: true }),
  ],
  containerEngines: [{ name: 'podman', total: 3, failure: null }],
}

const VITALS: HostVitals = {
  uptimeS: 273_600,
  load: [3.5, 2.25, 1],
  cpuPercent: 93.6,
  memoryPercent: 50,
  memory: { totalBytes: 4 * GIB, availableBytes: 2 * GIB, swapTotalBytes: 0, swapFreeBytes: 0 },
  disks: [{ mount: '/', filesystem: 'ext4', totalBytes: 20 * GIB, availableBytes: 5 * GIB }],
  runningCommands: 1,
}

const status = (more: Partial<HostStatus> = {}): HostStatus => ({
  host: { id: '01234567-89ab-cdef-0123-456789abcdef', name: 'web-1' },
  state: 'degraded',
  stateCode: 'host.cpu_high',
  stateReason: 'The CPU has been above 90 % since 11:50:00 UTC.',
  stateSince: '2026-03-01T11:55:00Z',
  lastAnswerAt: '2026-03-01T11:59:48Z',
  roundTripMs: 3.4,
  clockOffsetMs: 20,
  areValuesStale: false,
  nextCallAt: '2026-03-01T12:00:24Z',
  heartbeat: { profile: 'ha', minMs: 4000, maxMs: 6000, offlineAfterMs: 15_000 },
  autoReinstall: true,
  facts: FACTS,
  factsChangedAt: null,
  vitals: VITALS,
  ...more,
})

const report = (more: Partial<HostStatus> = {}, hasBars = false) =>
  hostReport(status(more), { now: NOW, hasBars })

describe('hostReport', () => {
  it('a report has everything on one page', () => {
    expect(report()).toMatchInlineSnapshot(`
      "Host         web-1
      State        degraded (host.cpu_high), for 5 min 0 s
      Reason       The CPU has been above 90 % since 11:50:00 UTC.
      System       Debian GNU/Linux 12 (bookworm), Linux 6.1.0-18-amd64, x86_64
      Hostname     web-1
      Time zone    Europe/Berlin
      Clock        20 ms ahead
      Uptime       3 d 4 h
      Load         3.50 2.25 1.00 on 4 cores
      CPU          94 %
      Memory       50 %, 2.0 GiB of 4.0 GiB
      Swap         none
      Commands     1 running
      Agent        0.1.0
      Last answer  12 s ago, within 3 ms
      Next call    in 24 s at the latest
      Heartbeat    profile ha: every 4s to 6s, offline after 15s
      Reinstall    automatic, if it is silent while SSH works

      DISK  TYPE  SIZE    AVAILABLE  USED
      /     ext4  20 GiB  5.0 GiB    75 %

      OPEN  AT           PORTS
      tcp   0.0.0.0, ::  22, 443
      tcp   127.0.0.1    5432
      udp   0.0.0.0      68

      CONTAINER ID  IMAGE                         STATUS                  PORTS                                                NAME  ENGINE
      aaaaaaaaaaaa  docker.io/library/nginx:1.27  Up 3 h (healthy)        0.0.0.0:8080->80/tcp, [::]:7000-7002->9000-9002/udp  web   podman
      aaaaaaaaaaaa  docker.io/library/nginx:1.27  Exited (137) 5 min ago                                                       job   podman
      aaaaaaaaaaaa  docker.io/library/nginx:1.27  Created                 …                                                    new   podman
      "
    `)
  })

  it('a report has bars on a terminal', () => {
    const drawn = report({}, true)
    expect(drawn).toContain(`CPU          ${'█'.repeat(19)}░ 94 %`)
    expect(drawn).toContain('████████░░ 75 %')
  })

  it.each([
    [1000, false],
    [-1000, false],
    [1001, true],
    [-86_400_000, true],
  ])('a clock that is off by %d ms: warned of is %s', (clockOffsetMs, isWarned) => {
    expect(report({ clockOffsetMs }).includes('WARNING')).toBe(isWarned)
  })

  it('the report of a silent host says how old its values are', () => {
    const offline = { state: 'offline' as const, stateCode: 'agent.unreachable', areValuesStale: true }
    const lastAnswerAt = '2026-03-01T09:00:00Z'
    expect(report({ ...offline, lastAnswerAt })).toMatch(
      /^WARNING +the host does not answer: the values below are 3 h 0 min old$/m,
    )
    expect(report()).not.toContain('WARNING')
    expect(report({ ...offline, lastAnswerAt: null })).not.toContain('WARNING')
  })

  it("reckons the age of containers by the host's own clock", () => {
    expect(report({ clockOffsetMs: 7_200_000 })).toContain('Up 5 h (healthy)')
  })

  it('a report says what is unknown instead of leaving it out', () => {
    const unknown = report({
      facts: { ...FACTS, openPorts: null, containers: null, containerEngines: [] },
      vitals: { ...VITALS, cpuPercent: null, disks: [] },
    })
    for (const said of ['Open ports: not known', 'Containers: not known', 'not measured yet', 'Disks: none'])
      expect(unknown).toContain(said)
    const silent = report({
      facts: null,
      vitals: null,
      lastAnswerAt: null,
      nextCallAt: null,
      heartbeat: null,
    })
    expect(silent).toContain('its agent has not answered a call')
    expect(silent).toMatch(/^Last answer +never$/m)
  })

  it('a report says what is missing, and that a scan of containers failed', () => {
    const cut = report({
      facts: {
        ...FACTS,
        areOpenPortsCut: true,
        containerEngines: [
          { name: 'podman', total: 300, failure: null },
          { name: 'docker', total: 0, failure: 'timed out' },
        ],
      },
    })
    expect(cut).toContain('… and more that the agent does not report')
    expect(cut).toContain('… and 297 more')
    expect(cut).toContain('The latest scan of docker failed, so this is the previous one: timed out')
  })

  it('a report lets no text of a host act on the terminal', () => {
    const evil = '\x1b[2J\x07\nnext\u202E'
    const shown = report({
      stateCode: evil,
      stateReason: evil,
      facts: {
        ...FACTS,
        hostname: evil,
        os: { id: evil, version: evil, name: evil },
        kernel: evil,
        timeZone: evil,
        containers: [container({ name: evil, image: evil })],
        containerEngines: [{ name: 'podman', total: 1, failure: evil }],
      },
      vitals: { ...VITALS, disks: [{ mount: evil, filesystem: evil, totalBytes: 0, availableBytes: 0 }] },
    })
    expect(shown).not.toMatch(/[^\P{C}\n]/u)
    expect(shown).not.toMatch(/^next/m)
  })
})
