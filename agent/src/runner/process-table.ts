import { openSync, readFileSync, readSync } from 'node:fs'
import { closing, unlessCode } from '../platform/files.ts'
import { type ProcessIdentity, parseStartTime, parseState } from '../platform/processes.ts'

/** A snapshot of a process from /proc. */
export interface ProcessRow extends ProcessIdentity {
  name: string
  state: string
  parent: number
  group: number
  session: number
}

const MAX_ENVIRONMENT_BYTES = 128 * 1024
/** A larger control group is not searched. */
const MAX_PROCESSES = 8192

/** Parses /proc/PID/stat, whose name field may hold any character. Returns null for a malformed line. */
export function parseProcess(stat: string): ProcessRow | null {
  const start = parseStartTime(stat)
  const nameAt = stat.indexOf('(')
  const end = stat.lastIndexOf(')')
  if (start === null || nameAt < 0 || end < nameAt) return null
  const [parent, group, session] = stat
    .slice(end + 4)
    .split(' ')
    .slice(0, 3)
    .map(Number)
  const pid = Number.parseInt(stat, 10)
  if (![pid, parent, group, session].every(Number.isInteger)) return null
  return {
    pid,
    start,
    name: stat.slice(nameAt + 1, end),
    state: parseState(stat),
    parent: parent as number,
    group: group as number,
    session: session as number,
  }
}

/** Returns the files in which the kernel may list a control group's processes, given /proc/self/cgroup; cgroup v2 first. */
export function processLists(cgroup: string): string[] {
  const lines = cgroup.split('\n').map((line) => line.split(':'))
  const findPath = (is: (names: string) => boolean) =>
    lines
      .find(([, names]) => is(names ?? '-'))
      ?.slice(2)
      .join(':')
  const unified = findPath((names) => names === '')
  const named = findPath((names) => names === 'name=systemd')
  return [
    ...(unified === undefined
      ? []
      : [`/sys/fs/cgroup${unified}/cgroup.procs`, `/sys/fs/cgroup/unified${unified}/cgroup.procs`]),
    ...(named === undefined ? [] : [`/sys/fs/cgroup/systemd${named}/cgroup.procs`]),
  ]
}

/** Lists the processes of the runner's control group. Returns null if the kernel does not list them, or they are too many. */
export function readOwnGroup(): { isUnit: boolean; processes: ProcessRow[] } | null {
  const cgroup = readText('/proc/self/cgroup') ?? ''
  const list = processLists(cgroup)
    .map(readText)
    .find((text) => text !== null)
  if (list == null) return null
  const pids = list.split('\n').filter((line) => /^[1-9]\d*$/.test(line))
  if (pids.length > MAX_PROCESSES) return null
  const rows = pids.map((pid) => parseProcess(readText(`/proc/${pid}/stat`) ?? ''))
  return {
    isUnit: /\/rollcall-runner[^/]*\.service$/m.test(cgroup),
    processes: rows.filter((row) => row !== null),
  }
}

/** Reads a variable of the environment that a process was started with. Returns null if it has none or is not readable. */
export function readVariable(pid: number, name: string): string | null {
  const text = unlessCode(GONE, () => readEnvironment(pid))
  const at = text?.indexOf(`\0${name}=`) ?? -1
  if (text === null || at < 0) return null
  const from = at + name.length + 2
  const end = text.indexOf('\0', from)
  return text.slice(from, end < 0 ? undefined : end)
}

function readEnvironment(pid: number): string {
  const fd = openSync(`/proc/${pid}/environ`, 'r')
  using _fd = closing(fd)
  const buffer = Buffer.alloc(MAX_ENVIRONMENT_BYTES)
  return `\0${buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))}`
}

const readText = (path: string): string | null => unlessCode(GONE, () => readFileSync(path, 'latin1'))

// The process has ended or belongs to another user, or the hierarchy is not mounted.
const GONE = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'EOPNOTSUPP']
