import { expect, test } from 'vitest'
import { type ProcessRow, parseProcess, processLists } from '../process-table.ts'
import { describeLeft, findLeftBehind, type LeftBehindView } from './left-behind.ts'

const row = (pid: number, more: Partial<ProcessRow> = {}): ProcessRow => ({
  pid,
  start: '1000',
  name: `p${pid}`,
  state: 'S',
  parent: 1,
  group: pid,
  session: pid,
  ...more,
})
const RUNNER = row(10, { start: '1', name: 'node' })
const view = (processes: ProcessRow[], more: Partial<LeftBehindView> = {}): LeftBehindView => ({
  commandId: 'mine',
  leader: { pid: 100, start: '500' },
  isAlone: false,
  isUnit: true,
  runner: 10,
  otherLeaders: new Set([200]),
  processes: [RUNNER, ...processes],
  toCommand: () => null,
  ...more,
})
const pids = (left: ProcessRow[]) => left.map(({ pid }) => pid)

test('a process with the id of the command is left behind in any session', () => {
  const seen = view([row(101), row(102), row(103)], {
    toCommand: (pid) => ({ 101: 'mine', 102: 'another' })[pid] ?? null,
  })
  expect(pids(findLeftBehind(seen))).toEqual([101])
})

test('a process in the group or session of the command is left behind without its id', () => {
  expect(pids(findLeftBehind(view([row(101, { group: 100 }), row(102, { session: 100 })])))).toEqual([
    101, 102,
  ])
})

test('a process that hides its origin is attributed to a command only if no other one ran', () => {
  const hidden = [row(101)]
  expect(pids(findLeftBehind(view(hidden, { isAlone: true })))).toEqual([101])
  expect(findLeftBehind(view(hidden, { isAlone: false }))).toEqual([])
  expect(findLeftBehind(view(hidden, { isAlone: true, isUnit: false }))).toEqual([])
})

test('the runner, its helpers, zombies, older daemons and other commands are not left behind', () => {
  const others = [
    row(11, { parent: 10 }),
    row(12, { parent: 11 }),
    row(101, { state: 'Z', session: 100 }),
    row(50, { start: '499' }),
    row(51, { parent: 50 }),
    row(200, { parent: 10 }),
    row(201, { parent: 200 }),
    row(202, { session: 200 }),
  ]
  expect(findLeftBehind(view(others, { isAlone: true }))).toEqual([])
})

test('a cycle of parents ends the search for an owner', () => {
  const circle = [row(101, { parent: 102 }), row(102, { parent: 101 })]
  expect(pids(findLeftBehind(view(circle, { isAlone: true })))).toEqual([101, 102])
})

test('processes left behind are described by name and pid, sanitized and bounded', () => {
  expect(describeLeft([])).toBeNull()
  expect(describeLeft([row(7, { name: 'sleep' })])).toBe('1 process left: sleep (7).')
  expect(describeLeft([row(7, { name: '\x1b[2Jx' }), row(8, { name: '\x9b' })])).toBe(
    '2 processes left: \uFFFD[2Jx (7), \uFFFD (8).',
  )
  const many = Array.from({ length: 5000 }, (_, i) => row(i, { name: 'x'.repeat(500) }))
  const text = describeLeft(many) ?? ''
  expect(text).toMatch(/^5000 processes left: .* and 4992 more\.$/)
  expect(text.length).toBeLessThan(600)
})

test('a process name with parentheses and spaces is parsed', () => {
  const stat = '42 (a) R 1 (b c)) S 7 40 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 2 3'
  expect(parseProcess(stat)).toEqual({
    pid: 42,
    start: '987654',
    name: 'a) R 1 (b c)',
    state: 'S',
    parent: 7,
    group: 40,
    session: 41,
  })
  expect(parseProcess('')).toBeNull()
})

test('the process list is found in both cgroup hierarchies', () => {
  const unit = '/system.slice/rollcall-runner.service'
  expect(processLists(`0::${unit}\n`)[0]).toBe(`/sys/fs/cgroup${unit}/cgroup.procs`)
  expect(processLists(`5:cpu:/\n1:name=systemd:${unit}\n`)).toEqual([
    `/sys/fs/cgroup/systemd${unit}/cgroup.procs`,
  ])
  expect(processLists('')).toEqual([])
})
