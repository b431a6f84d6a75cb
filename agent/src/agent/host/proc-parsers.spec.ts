import { expect, test } from 'vitest'
import { formatEvent, rateLimited } from '../../platform/log.ts'
import { parseStartTime, parseState } from '../../platform/processes.ts'
import {
  parseCpuTimes,
  parseDisks,
  parseLoad,
  parseMemory,
  parseOsRelease,
  parseUptime,
  usedPercent,
} from './proc-parsers.ts'

test('CPU time spent waiting does not count as use', () => {
  const before = parseCpuTimes('cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3 4\n')
  const after = parseCpuTimes('cpu  150 0 125 725 100 0 0 0 0 0\n')
  expect(before).toEqual({ busy: 200, total: 1000 })
  expect(usedPercent(before, after)).toBe(75)
  expect(usedPercent(after, after)).toBeNull()
  expect(usedPercent(after, before)).toBeNull()
})

test('memory is reported in bytes, and a kernel without swap reports none', () => {
  const text = 'MemTotal:        2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\n'
  expect(parseMemory(text)).toEqual({
    total_bytes: 2097152,
    available_bytes: 1048576,
    swap_total_bytes: 0,
    swap_free_bytes: 0,
  })
})

const ARCSTATS = (size: number, min: number) => `13 1 0x01 147 39984 6428351374 1183842378623
name                            type data
hits                            4    103281
p                               4    8361984
c                               4    4138463232
c_min                           4    ${min}
c_max                           4    4138463232
size                            4    ${size}
compressed_size                 4    1
arc_sys_free                    4    0
data_size                       4    7
`

test.each([
  ['counts as available above its minimum', 6 * 2 ** 30, 2 ** 30, 7 * 2 ** 30],
  ['counts as used below its minimum', 2 ** 29, 2 ** 30, 2 * 2 ** 30],
  ['of the host around a container does not count as available', 20 * 2 ** 30, 2 ** 30, 2 * 2 ** 30],
])('the ZFS cache %s', (_what, size, min, available) => {
  const meminfo = `MemTotal: ${10 * 2 ** 20} kB\nMemAvailable: ${2 * 2 ** 20} kB\n`
  expect(parseMemory(meminfo, ARCSTATS(size, min)).available_bytes).toBe(available)
})

test('malformed ZFS statistics leave the available memory unchanged', () => {
  const meminfo = 'MemTotal: 2048 kB\nMemAvailable: 1024 kB\n'
  for (const text of ['', 'size 4 x\n', 'size\n'])
    expect(parseMemory(meminfo, text)).toEqual(parseMemory(meminfo))
})

test('os-release is parsed with quotes, without quotes, and empty', () => {
  expect(
    parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'),
  ).toEqual({
    id: 'debian',
    version: '12',
    name: 'Debian GNU/Linux 12 (bookworm)',
  })
  expect(parseOsRelease('')).toEqual({ id: 'linux', version: '', name: '' })
})

test('load and uptime are parsed from /proc', () => {
  expect(parseLoad('0.10 1.25 2.00 1/234 5678\n')).toEqual([0.1, 1.25, 2])
  expect(parseUptime('1234.56 99.1\n')).toBe(1234.56)
})

test('each local disk is listed once, and network file systems are left out', () => {
  const mounts = [
    '/dev/sda1 / ext4 rw 0 0',
    '/dev/sda1 /tmp ext4 rw 0 0',
    '/dev/sdb1 /mnt/with\\040space xfs rw 0 0',
    'tmpfs /run tmpfs rw 0 0',
    'server:/x /nfs nfs4 rw 0 0',
    'overlay /var/lib/containers/x overlay rw 0 0',
    '',
  ].join('\n')
  expect(parseDisks(mounts).map((disk) => disk.mount)).toEqual(['/', '/mnt/with space'])
  expect(parseDisks('overlay / overlay rw 0 0\n')).toHaveLength(1)
})

test('the start time of a process is found behind a name with parentheses and spaces', () => {
  const stat = `42 (a) b (c)) S 1 ${Array.from({ length: 40 }, (_, i) => i + 5).join(' ')}`
  expect(parseState(stat)).toBe('S')
  expect(parseStartTime(stat)).toBe('22')
  expect(parseStartTime('nonsense')).toBeNull()
})

test('hostile text cannot start a new line in the log', () => {
  expect(formatEvent('x', { a: 'b\nc', n: 1, none: undefined })).toBe('x a="b\\nc" n=1')
})

test('repeated log events are suppressed and counted', () => {
  const lines: string[] = []
  let now = 0
  const push = (event: string, fields?: object) => lines.push(`${event}${JSON.stringify(fields ?? {})}`)
  const log = rateLimited({ info: push, error: push }, 2, 1000, () => now)
  for (let i = 0; i < 10; i++) log('refused')
  expect(lines).toHaveLength(2)
  now = 1000
  log('refused')
  expect(lines.slice(2)).toEqual(['log.suppressed{"event":"refused","count":8}', 'refused{}'])
})
