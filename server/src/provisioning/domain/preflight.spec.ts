import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import {
  decidePreflight,
  isPortTaken,
  needsOtherPort,
  type PreflightNeeds,
  toArchitecture,
} from './preflight-decision.ts'
import { MAX_REPORT_BYTES, parsePreflight } from './preflight-report.ts'
import { chooseStaging, stagingPlaces } from './staging-place.ts'

const GOOD: Record<string, string> = {
  uid: '1000',
  user: 'ops',
  machine: 'x86_64',
  kernel: '6.1.0',
  word_bits: '64',
  os: 'Debian GNU/Linux 12 (bookworm)',
  libc: 'glibc 2.36',
  init: 'systemd',
  systemd: 'systemd 252 (252.39-1)',
  python: '3.11.2',
  python_lacks: '',
  home: '/home/ops',
  home_id: '4711',
  home_seen: '4711',
  disk_opt: '8000000 500000 / rw,relatime',
  disk_etc: '8000000 500000 / rw,relatime',
  disk_var: '8000000 500000 / rw,relatime',
  disk_home: '8000000 500000 /home rw,nosuid',
  disk_var_tmp: '8000000 500000 / rw,relatime',
  is_root: 'yes',
  unwritable: '',
  releases: '0.1.0-abc',
  tools: '',
  listening: '0016,1F90',
  agent_ports: '',
}
const NEEDS: PreflightNeeds = { rpcPort: 20_000, uploadBytes: 50 * 1024 ** 2, rootRefusal: null }

const toText = (changes: Record<string, string | undefined> = {}) => {
  const lines = Object.entries({ ...GOOD, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
  return `Welcome!\nrollcall-preflight-begin\n${lines.join('\n')}\nrollcall-preflight-end\n`
}
const failuresOf = (changes: Record<string, string | undefined>, needs: Partial<PreflightNeeds> = {}) =>
  decidePreflight(parsePreflight(toText(changes)), { ...NEEDS, ...needs }).filter(({ ok }) => !ok)

describe('reading a report', () => {
  it('output of a login shell before the report is skipped', () => {
    expect(parsePreflight(`motd\n${toText()}logout\n`).user).toBe('ops')
  })

  it.each([
    ['nothing', ''],
    ['no end', 'rollcall-preflight-begin\nuid=0\n'],
    ['a missing key', toText({ machine: undefined })],
    ['a port that is none', toText({ listening: '0016,zz' })],
    ['a number that is none', toText({ uid: '1e999' })],
    ['a home with a way out', toText({ home: '/home/ops/../../etc' })],
    ['a home with control characters', toText({ home: '/home/\u001b[2J' })],
    ['too much', toText({ os: 'x'.repeat(MAX_REPORT_BYTES) })],
  ])('a report with %s is refused by its code', (_what, text) => {
    expect(() => parsePreflight(text)).toThrowError(
      expect.objectContaining({ code: 'host.preflight_unreadable' }),
    )
  })

  it('any bytes as a report give a report or a refusal', () => {
    const good = toText()
    for (let at = 0; at < good.length; at += 7) {
      const broken = `${good.slice(0, at)}\u0000=\u202e,,\n${good.slice(at + 3)}`
      try {
        const messages = decidePreflight(parsePreflight(broken), NEEDS).map(({ message }) => message)
        expect(messages.join('')).not.toMatch(/[\u0000-\u001f\u202e]/)
      } catch (error) {
        expect(error).toBeInstanceOf(RollcallError)
      }
    }
  })

  it('keys like __proto__ in a report have no effect', () => {
    const report = parsePreflight(toText({ __proto__: 'x', constructor: 'y' } as Record<string, string>))
    expect(report.user).toBe('ops')
  })
})

describe('deciding', () => {
  it('a host that has everything passes the preflight', () => {
    expect(failuresOf({})).toEqual([])
  })

  it.each<[string, string, Record<string, string>]>([
    ['a 32-bit machine', 'host.unsupported_architecture', { machine: 'armv7l' }],
    [
      'a 32-bit system on a 64-bit kernel',
      'host.unsupported_architecture',
      { machine: 'aarch64', word_bits: '32' },
    ],
    ['musl', 'host.unsupported_libc', { libc: 'musl libc (x86_64)' }],
    ['an old glibc', 'host.unsupported_libc', { libc: 'glibc 2.27' }],
    ['another init', 'host.no_systemd', { init: 'sh' }],
    ['an old systemd', 'host.no_systemd', { systemd: 'systemd 246' }],
    ['no python', 'host.no_python', { python: '' }],
    ['an old python', 'host.no_python', { python: '3.8.10' }],
    ['a python of parts', 'host.no_python', { python_lacks: 'module lzma' }],
    ['a read-only file system', 'host.read_only', { disk_opt: '8000000 500000 / ro,relatime' }],
    ['a folder that is locked', 'host.read_only', { unwritable: '/etc' }],
    ['a noexec /opt', 'host.read_only', { disk_opt: '8000000 500000 /opt rw,noexec' }],
    ['a full disk', 'host.no_disk', { disk_opt: '300000 500000 /opt rw' }],
    ['no inodes', 'host.no_disk', { disk_var: '8000000 12 /var rw' }],
    ['a port that something else has', 'host.port_taken', { listening: '4E20' }],
  ])('a host with %s fails the preflight for that alone', (_what, code, changes) => {
    expect(failuresOf(changes).map((check) => check.code)).toEqual([code])
  })

  it('names all that is missing at once', () => {
    const rootRefusal = { code: 'host.no_sudo' as const, message: 'no sudo' }
    const codes = failuresOf({ python: '', libc: 'musl', init: 'sh' }, { rootRefusal }).map(
      ({ code }) => code,
    )
    expect(codes).toEqual(['host.unsupported_libc', 'host.no_systemd', 'host.no_python', 'host.no_sudo'])
  })

  it('the needs of folders on one file system are added up', () => {
    const each = String(480 * 1024)
    const alone = { disk_opt: `${each} 500000 /opt rw`, disk_var: `${each} 500000 /var rw` }
    expect(failuresOf(alone)).toEqual([])
    const shared = { disk_opt: `${each} 500000 / rw`, disk_var: `${each} 500000 / rw` }
    expect(failuresOf(shared)).toEqual([expect.objectContaining({ name: 'disk /', code: 'host.no_disk' })])
  })

  it('a port that our own agent holds counts as free', () => {
    const report = parsePreflight(toText({ listening: '4E20', agent_ports: '4E20' }))
    expect(isPortTaken(report, 20_000)).toBe(false)
  })

  it('an ephemeral port is replaced if it was random, and kept if it was chosen', () => {
    const isChanged = (changes: Record<string, string>, isGiven = false) =>
      needsOtherPort(parsePreflight(toText(changes)), 20_000, isGiven)
    expect(isChanged({ ephemeral: '32768\t60999' })).toBe(false)
    expect(isChanged({ ephemeral: '1024\t65535' })).toBe(true)
    expect(isChanged({ ephemeral: '1024\t65535' }, true)).toBe(false)
    expect(isChanged({ ephemeral: '1024\t65535', agent_ports: '4E20', listening: '4E20' })).toBe(false)
    expect(isChanged({ listening: '4E20' }, true)).toBe(true)
  })

  it('every failure of the preflight has a remedy and a code', () => {
    const bad = {
      machine: 'riscv64',
      libc: '',
      init: '',
      systemd: '',
      python: '',
      unwritable: '/opt',
      disk_var: '1 1 /var rw',
    }
    for (const { code, message } of failuresOf(bad)) {
      expect(code).not.toBeNull()
      expect(message).toMatch(/\. .*\.$|: .*\.$|; .*\.$/)
    }
  })

  it('the preflight recognises the agent that a machine runs', () => {
    expect(toArchitecture(parsePreflight(toText()))).toBe('x64')
    expect(toArchitecture(parsePreflight(toText({ machine: 'aarch64' })))).toBe('arm64')
  })
})

describe('where uploads wait', () => {
  const HOME = '/home/ops/.rollcall-staging'
  const SHARED = '/var/tmp/.rollcall-staging-1000'
  const MB = 1024 ** 2
  const placeOf = (changes: Record<string, string | undefined>, uploadBytes = 64 * MB) =>
    chooseStaging(parsePreflight(toText(changes)), uploadBytes).path

  it.each<[string, string, Record<string, string | undefined>]>([
    ['in the home when that is safe', HOME, {}],
    ['elsewhere without a home', SHARED, { home: undefined }],
    ['elsewhere when the home is /', SHARED, { home: '/' }],
    ['elsewhere when root cannot work in the home', SHARED, { home_seen: '' }],
    ['elsewhere when root was not asked', SHARED, { home_seen: undefined }],
    ['elsewhere when root sees another folder there', SHARED, { home_seen: '4712' }],
    ['elsewhere when the home is on NFS', SHARED, { disk_home: '8000000 500000 /home type=nfs4,rw' }],
    ['elsewhere when the home is on FUSE', SHARED, { disk_home: '8000000 500000 /home type=fuse.sshfs,rw' }],
    [
      'in the home of root, wherever that is',
      '/root/.rollcall-staging',
      {
        uid: '0',
        home: '/root',
        disk_home: '8000000 500000 / type=nfs4,rw',
      },
    ],
    ['elsewhere when there is more room', SHARED, { disk_home: '1000 500000 /home type=ext4,rw' }],
    [
      'in the home when there is no room anywhere',
      HOME,
      {
        disk_home: '1000 500000 /home type=ext4,rw',
        disk_var_tmp: '1000 500000 / type=ext4,rw',
      },
    ],
  ])('the agent of a machine is %s', (_what, place, changes) => {
    expect(placeOf(changes)).toBe(place)
  })

  it('an agent is searched for in every place when it is removed', () => {
    const paths = stagingPlaces(parsePreflight(toText())).map(({ path }) => path)
    expect(paths).toEqual([HOME, SHARED])
  })
})
