import { describe, expect, it } from 'vitest'
import { isRefused, readContainer } from '../testing/read-key.ts'

describe('what else stands in a service', () => {
  it.each([
    [
      'ulimits: {nofile: 10, nproc: {soft: 1, hard: -1}}',
      {
        ulimits: [
          { name: 'nofile', soft: 10, hard: 10 },
          { name: 'nproc', soft: 1, hard: -1 },
        ],
      },
    ],
    ['sysctls: {net.core.somaxconn: 1024}', { sysctls: [{ name: 'net.core.somaxconn', value: '1024' }] }],
    ['sysctls: [net.core.somaxconn=1024]', { sysctls: [{ name: 'net.core.somaxconn', value: '1024' }] }],
    [
      'extra_hosts: ["a:1.2.3.4", "b=::1", "c:host-gateway"]',
      {
        extraHosts: [
          { name: 'a', address: '1.2.3.4' },
          { name: 'b', address: '::1' },
          { name: 'c', address: 'host-gateway' },
        ],
      },
    ],
    [
      'extra_hosts: {a: 1.2.3.4, b: ["::1", 1.1.1.1]}',
      {
        extraHosts: [
          { name: 'a', address: '1.2.3.4' },
          { name: 'b', address: '::1' },
          { name: 'b', address: '1.1.1.1' },
        ],
      },
    ],
    [
      'labels: [a.b=c, d]',
      {
        labels: [
          { name: 'a.b', value: 'c' },
          { name: 'd', value: '' },
        ],
      },
    ],
    [
      'labels: {a: 1, b: true}',
      {
        labels: [
          { name: 'a', value: '1' },
          { name: 'b', value: 'true' },
        ],
      },
    ],
    [
      'devices: [/dev/a, "/dev/b:/dev/c:r", {source: /dev/d}]',
      {
        devices: [
          { source: '/dev/a', target: '/dev/a', permissions: 'rwm' },
          { source: '/dev/b', target: '/dev/c', permissions: 'r' },
          { source: '/dev/d', target: '/dev/d', permissions: 'rwm' },
        ],
      },
    ],
    [
      'secrets: [s, {source: t, target: /x/t, uid: "1", mode: 0440}]',
      {
        secrets: [
          { source: 's', target: '/run/secrets/s', mode: null },
          { source: 't', target: '/x/t', uid: '1', mode: 0o440 },
        ],
      },
    ],
    [
      'configs: [{source: c, target: /etc/c, mode: "0444"}]',
      { configs: [{ source: 'c', target: '/etc/c', mode: 0o444 }] },
    ],
    ['cap_add: [NET_ADMIN, CAP_sys_time]', { addedCapabilities: ['NET_ADMIN', 'SYS_TIME'] }],
    ['platform: linux/arm64', { architecture: 'arm64' }],
    ['networks: {default: {aliases: [x]}, other: }', { aliases: ['x'], networkMode: 'group' }],
    ['network_mode: host', { networkMode: 'host' }],
    ['logging: {driver: json-file, options: {max-size: 10m}}', { hasOutput: true }],
    ['logging: {driver: none}', { hasOutput: false }],
    ['mem_limit: 64m', { resources: { maxMemoryBytes: 67_108_864 } }],
    [
      'deploy: {resources: {limits: {cpus: 1.50, memory: 1g, pids: 10}, reservations: {cpus: "0.25"}}}',
      { resources: { maxCpus: 1.5, maxMemoryBytes: 1_073_741_824, maxPids: 10, reservedCpus: 0.25 } },
    ],
    ['x-rollcall: {secret_environment: {A: s}}', { secretEnvironment: [{ name: 'A', value: 's' }] }],
    ['cpus: .5', { resources: { maxCpus: 0.5 } }],
    ['user: "1000:1000"', { user: '1000:1000' }],
    ['dns: [1.1.1.1, "::1"]', { dns: ['1.1.1.1', '::1'] }],
  ])('%s is read', (line, expected) => {
    expect(readContainer(line)).toMatchObject(expected)
  })

  it.each([
    'ulimits: {bogus: 1}',
    'ulimits: {nofile: {soft: 1}}',
    'sysctls: {vm.max_map_count: 1}',
    'dns: 1.2.3',
    'dns: ["::1", 300.1.1.1]',
    'extra_hosts: [a]',
    'devices: [/etc/passwd]',
    'labels: ["a b=c"]',
    'secrets: [{source: s, mode: 288}]',
    'secrets: [{target: s}]',
    'configs: [none]',
    'platform: windows/amd64',
    'logging: {driver: gelf}',
    'networks: {default: {ipv4_address: 1.2.3.4}}',
    'network_mode: "service:x"',
    'user: "a;b"',
    'scale: -1',
    'deploy: {mode: global-job}',
    'restart: sometimes',
    'env_file: [{path: x, format: odd}]',
    'gpus: all',
    'environment: ["A B=1"]',
    'environment: [A=1, A=2]',
    'expose: ["80/x"]',
    'container_name: "a/b"',
    'network_mode: host\n    ports: ["80"]',
    'x-rollcall: {gateway: {host: a.example, port: 80}}',
    'x-rollcall: {checks: [{http: /}]}',
    'x-rollcall: {checks: [{command: []}]}',
    'x-rollcall: {checks: [{command: ""}]}',
    'x-rollcall: {checks: [{process: ""}]}',
    'x-rollcall: {checks: [{tcp: 1, process: a}]}',
    'x-rollcall: {place: {select: "a in b"}}',
    'x-rollcall: {reach: [web]}',
    'x-rollcall: {volumes: {d: {move: copy}}}',
    'x-rollcall: {playbook: a/b}',
    'x-rollcall: {unit: a.service}',
    'x-rollcall: {heal: {window: 2-4}}',
    'x-rollcall: {bogus: 1}',
  ])('%s is refused', (line) => {
    expect(isRefused(line)).toBe(true)
  })
})
