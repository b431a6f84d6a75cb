import { describe, expect, it } from 'vitest'
import { isRefused, readContainer, readKey } from '../testing/read-key.ts'

describe('ports', () => {
  const port = (target: number, published: number | null, more: object = {}) => ({
    target,
    published,
    protocol: 'tcp',
    hostIp: null,
    ...more,
  })
  it.each([
    ['"80"', [port(80, null)]],
    ['80', [port(80, null)]],
    ['8443:443', [port(443, 8443)]],
    ['"53:53/udp"', [port(53, 53, { protocol: 'udp' })]],
    ['"127.0.0.1:80:8080"', [port(8080, 80, { hostIp: '127.0.0.1' })]],
    ['"[::1]:80:8080"', [port(8080, 80, { hostIp: '::1' })]],
    ['"127.0.0.1::8080"', [port(8080, null, { hostIp: '127.0.0.1' })]],
    ['"9000-9001:8000-8001"', [port(8000, 9000), port(8001, 9001)]],
    ['"8000-8001"', [port(8000, null), port(8001, null)]],
    [
      '{target: 80, published: "8080", protocol: udp, host_ip: 10.0.0.1}',
      [port(80, 8080, { protocol: 'udp', hostIp: '10.0.0.1' })],
    ],
    ['{target: 80}', [port(80, null)]],
  ])('the port %s is read', (written, expected) => {
    expect(readKey(`ports: [${written}]`)).toMatchObject({ ports: expected })
  })

  it.each([
    '0',
    '65536',
    '"80:0"',
    '"a:80"',
    '"80/sctp"',
    '"1-500"',
    '"80-90:80"',
    '"90-80:90-80"',
    '"1.2.3.4.5:80:80"',
    '{published: 80}',
    '{target: 80, bogus: 1}',
    '[]',
    '""',
    '1.5',
    '-1',
  ])('the port %s is refused', (written) => {
    expect(isRefused(`ports: [${written}]`)).toBe(true)
  })
})

describe('mounts', () => {
  const volume = (more: object = {}) => ({
    type: 'volume',
    source: 'd',
    target: '/x',
    isReadOnly: false,
    ...more,
  })
  const bind = (more: object = {}) => ({
    type: 'bind',
    source: '/a',
    target: '/x',
    isReadOnly: false,
    isCreated: true,
    propagation: null,
    selinux: null,
    ...more,
  })
  it.each([
    ['d:/x', volume()],
    ['d:/x:ro', volume({ isReadOnly: true })],
    ['d:/x:nocopy', volume()],
    ['/x', volume({ source: null })],
    ['/a:/x', bind()],
    ['"/a:/x:ro,z"', bind({ isReadOnly: true, selinux: 'z' })],
    ['"/a:/x:rslave"', bind({ propagation: 'rslave' })],
    ['{type: volume, source: d, target: /x, read_only: true}', volume({ isReadOnly: true })],
    ['{type: bind, source: /a, target: /x}', bind({ isCreated: false })],
    [
      '{type: bind, source: /a, target: /x, bind: {create_host_path: true, propagation: shared}}',
      bind({ propagation: 'shared' }),
    ],
    [
      '{type: tmpfs, target: /x, tmpfs: {size: 1m, mode: 01777}}',
      { type: 'tmpfs', target: '/x', isReadOnly: false, sizeBytes: 1_048_576, mode: 0o1777 },
    ],
  ])('the mount %s is read', (written, expected) => {
    expect(readContainer(`volumes: [${written}]`)).toMatchObject({ mounts: [expected] })
  })

  it('tmpfs is one path or a list, each with options', () => {
    expect(readContainer('tmpfs: /run')).toMatchObject({
      mounts: [{ type: 'tmpfs', target: '/run', sizeBytes: null }],
    })
    expect(readContainer('tmpfs: ["/run:size=64m,mode=1777", /tmp]')).toMatchObject({
      mounts: [{ target: '/run', sizeBytes: 67_108_864, mode: 0o1777 }, { target: '/tmp' }],
    })
    expect(isRefused('tmpfs: /run:bogus=1')).toBe(true)
    expect(isRefused('tmpfs: run')).toBe(true)
  })

  it('two mounts at one path of the container are refused', () => {
    expect(isRefused('volumes: [d:/x, /a:/x/]')).toBe(true)
  })
})
