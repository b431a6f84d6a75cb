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

describe('podman', () => {
  test('a running container is told with its start and its ports', () => {
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

  test('podman 3 writes other names for ports', () => {
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
  ])('health stands in its status: %s', (Status, health) => {
    expect(one({ Status })?.health).toBe(health)
  })

  test('no container at all, in both ways that podman says so', () => {
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

describe('docker', () => {
  test('a running container is told with its start, its health and its ports, ranges joined', () => {
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

describe('hostile answers', () => {
  test('names cannot act on a terminal or a page, and have bounds', () => {
    const seen = one({ Names: ['\u001b[31m<script>\n'], Image: 'x'.repeat(10_000), State: 'wedged' })
    expect(seen).toMatchObject({ name: '\uFFFD[31m<script>\uFFFD', state: 'unknown' })
    expect(seen?.image).toHaveLength(512)
    container.parse(seen)
  })

  test('what is strange is left out and the rest is told', () => {
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

  test('no object of ours gets a new nature', () => {
    const text = JSON.stringify([podman()]).replace('"Labels"', '"__proto__":{"polluted":1},"Labels"')
    expect(parsePodman(text)[0]).not.toHaveProperty('polluted')
    expect({}).not.toHaveProperty('polluted')
    parseDocker(docker({ ports: JSON.parse('{"__proto__":[],"1/tcp":[]}') }))
  })

  test('a thousand ports are cut, and it is said', () => {
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
    'an answer that is none is said to be none',
    (text) => {
      expect(() => parsePodman(text)).toThrow(UnreadableOutput)
    },
  )
})
