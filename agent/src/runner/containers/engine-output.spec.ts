import { container } from '@rollcall/contracts/agent'
import { describe, expect, test } from 'vitest'
import { parseDocker, parsePodman, UnreadableOutput } from './engine-output.ts'

const ID = '2543fc6b766919a890fcd150765a76fdd2db53d72631f97ea2ac3d36de6f49e0'
const NEVER = -62135596800

// What podman 4.3 and 5.4 print, shortened by fields that nobody reads.
const podman = (more: object = {}) => ({
  AutoRemove: false,
  Id: ID,
  Names: ['web'],
  Image: 'localhost/tiny:latest',
  Labels: { a: 'b' },
  State: 'running',
  Status: 'Up 3 hours',
  StartedAt: 1795256774,
  ExitedAt: NEVER,
  ExitCode: 0,
  Ports: null,
  Pid: 308,
  Size: null,
  Created: 1795256774,
  ...more,
})
const one = (more: object = {}) => parsePodman(JSON.stringify([podman(more)]))[0]

describe('output of podman', () => {
  test('a running podman container is parsed with its start and ports', () => {
    const Ports = [
      { host_ip: '', container_port: 80, host_port: 801, range: 1, protocol: 'tcp' },
      { host_ip: '127.0.0.1', container_port: 7001, host_port: 7001, range: 3, protocol: 'udp' },
    ]
    expect(one({ Ports })).toEqual({
      engine: 'podman',
      id: ID,
      name: 'web',
      image: 'localhost/tiny:latest',
      state: 'running',
      health: null,
      started_at_ms: 1795256774000,
      ended_at_ms: null,
      exit_code: null,
      ports: [
        { protocol: 'tcp', host_address: '0.0.0.0', host_port: 801, container_port: 80, count: 1 },
        { protocol: 'udp', host_address: '127.0.0.1', host_port: 7001, container_port: 7001, count: 3 },
      ],
      ports_truncated: false,
    })
  })

  test('the port names of podman 3 are parsed too', () => {
    const Ports = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: '' }]
    expect(one({ Ports })?.ports).toEqual([
      { protocol: 'tcp', host_address: '0.0.0.0', host_port: 8080, container_port: 80, count: 1 },
    ])
  })

  test('one that has ended is told with its end, one that never ran with neither', () => {
    expect(one({ State: 'exited', ExitedAt: 1795256775, ExitCode: 137 })).toMatchObject({
      state: 'exited',
      started_at_ms: 1795256774000,
      ended_at_ms: 1795256775000,
      exit_code: 137,
    })
    expect(one({ State: 'created', StartedAt: NEVER })).toMatchObject({
      state: 'created',
      started_at_ms: null,
      ended_at_ms: null,
      exit_code: null,
    })
  })

  test.each([
    ['Up 3 hours (healthy)', 'healthy'],
    ['Up 3 hours (unhealthy)', 'unhealthy'],
    ['Up 3 hours (starting)', 'starting'],
    ['Exited (0) 3 hours ago', null],
  ])('the health of a podman container is parsed from its status: %s', (Status, health) => {
    expect(one({ Status })?.health).toBe(health)
  })

  test('both forms of an empty podman list are parsed', () => {
    expect(parsePodman('[]\n')).toEqual([])
    expect(parsePodman('')).toEqual([])
  })
})

// What docker 26.1 prints in our format.
const docker = (more: object = {}) =>
  JSON.stringify({
    id: ID,
    name: '/web',
    image: 'tiny',
    state: 'running',
    exit_code: 0,
    health: null,
    started: '2026-11-21T10:34:02.293047027Z',
    ended: '0001-01-01T00:00:00Z',
    ports: {},
    ...more,
  })

describe('output of docker', () => {
  test('a running docker container is parsed with start, health and joined port ranges', () => {
    const at = (HostIp: string, HostPort: string) => ({ HostIp, HostPort })
    const ports = {
      '443/tcp': null,
      '80/tcp': [at('0.0.0.0', '8080'), at('::', '8080')],
      '9/udp': [at('127.0.0.1', '9')],
      '10/udp': [at('127.0.0.1', '10')],
      '11/udp': [at('127.0.0.1', '11')],
      '12/udp': [at('127.0.0.1', '99')],
    }
    expect(parseDocker(`${docker({ ports, health: 'starting' })}\n`)).toEqual([
      {
        engine: 'docker',
        id: ID,
        name: 'web',
        image: 'tiny',
        state: 'running',
        health: 'starting',
        started_at_ms: Date.UTC(2026, 10, 21, 10, 34, 2, 293),
        ended_at_ms: null,
        exit_code: null,
        ports: [
          { protocol: 'tcp', host_address: '0.0.0.0', host_port: 8080, container_port: 80, count: 1 },
          { protocol: 'udp', host_address: '127.0.0.1', host_port: 9, container_port: 9, count: 3 },
          { protocol: 'udp', host_address: '127.0.0.1', host_port: 99, container_port: 12, count: 1 },
          { protocol: 'tcp', host_address: '::', host_port: 8080, container_port: 80, count: 1 },
        ],
        ports_truncated: false,
      },
    ])
  })

  test('one that has ended is told with its end, one that never ran with neither', () => {
    const exited = docker({ state: 'exited', exit_code: 4, ended: '2026-11-21T10:34:02.6Z' })
    const created = docker({ state: 'created', started: '0001-01-01T00:00:00Z', ports: null })
    expect(parseDocker(`${exited}\n${created}`)).toMatchObject([
      { state: 'exited', exit_code: 4, ended_at_ms: Date.UTC(2026, 10, 21, 10, 34, 2, 600) },
      { state: 'created', exit_code: null, started_at_ms: null, ended_at_ms: null, ports: [] },
    ])
  })
})

describe('hostile output of an engine', () => {
  test('container names lose control characters and are bounded', () => {
    const seen = one({ Names: ['\u001b[31m<script>\n'], Image: 'x'.repeat(10_000), State: 'wedged' })
    expect(seen).toMatchObject({ name: '\uFFFD[31m<script>\uFFFD', state: 'unknown' })
    expect(seen?.image).toHaveLength(512)
    container.parse(seen)
  })

  test('malformed fields of a container are left out, and the rest is kept', () => {
    const strange = { Names: 7, Image: {}, StartedAt: 'x', ExitedAt: 1e300, ExitCode: 1e9, State: 'exited' }
    const Ports = [null, 'x', { host_port: -1, container_port: 80, protocol: 'tcp', host_ip: '<' }]
    expect(one({ ...strange, Ports })).toMatchObject({
      name: '',
      image: '',
      started_at_ms: null,
      ended_at_ms: null,
      exit_code: null,
      ports: [],
    })
    container.parse(one({ ...strange, Ports }))
  })

  test('hostile keys of a container do not pollute prototypes', () => {
    const text = JSON.stringify([podman()]).replace('"Labels"', '"__proto__":{"polluted":1},"Labels"')
    expect(parsePodman(text)[0]).not.toHaveProperty('polluted')
    expect({}).not.toHaveProperty('polluted')
    parseDocker(docker({ ports: JSON.parse('{"__proto__":[],"1/tcp":[]}') }))
  })

  test('a thousand ports of a container are truncated and marked so', () => {
    const Ports = Array.from({ length: 1000 }, (_, i) => ({
      host_ip: '',
      container_port: i + 1,
      host_port: 2 * i + 1,
      range: 1,
      protocol: 'tcp',
    }))
    const seen = one({ Ports })
    expect(seen?.ports).toHaveLength(64)
    expect(seen?.ports_truncated).toBe(true)
  })

  test.each(['{', '{}', '[{}]', '[{"Id":"../../etc"}]', '"x"', `${'['.repeat(500_000)}`])(
    'unreadable output of an engine is refused (case %#)',
    (text) => {
      expect(() => parsePodman(text)).toThrow(UnreadableOutput)
    },
  )
})
