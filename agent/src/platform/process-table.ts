import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { errorCode } from './files.ts'
import { type ProcessIdentity, parseStartTime, parseState } from './processes.ts'

/** A process as /proc shows it at one moment. */
export interface ProcessRow extends ProcessIdentity {
  name: string
  state: string
  parent: number
  group: number
  session: number
}

const MAX_ENVIRONMENT_BYTES = 128 * 1024
/** More processes than this in one control group are not looked through. */
const MAX_PROCESSES = 8192

/** Parses /proc/PID/stat. The name, in parentheses, may itself hold anything. */
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

/** Finds where the kernel lists the processes of a control group, by /proc/self/cgroup; the newer hierarchy first. */
export function processLists(cgroup: string): string[] {
  const lines = cgroup.split('\n').map((line) => line.split(':'))
  const pathOf = (is: (names: string) => boolean) =>
    lines
      .find(([, names]) => is(names ?? '-'))
      ?.slice(2)
      .join(':')
  const unified = pathOf((names) => names === '')
  const named = pathOf((names) => names === 'name=systemd')
  return [
    ...(unified === undefined
      ? []
      : [`/sys/fs/cgroup${unified}/cgroup.procs`, `/sys/fs/cgroup/unified${unified}/cgroup.procs`]),
    ...(named === undefined ? [] : [`/sys/fs/cgroup/systemd${named}/cgroup.procs`]),
  ]
}

/** Lists the processes of this process's control group; null where the kernel does not say, or where they are too many. */
export function readOwnGroup(): { isUnit: boolean; processes: ProcessRow[] } | null {
  const cgroup = toText('/proc/self/cgroup') ?? ''
  const list = processLists(cgroup)
    .map(toText)
    .find((text) => text !== null)
  if (list == null) return null
  const pids = list.split('\n').filter((line) => /^[1-9]\d*$/.test(line))
  if (pids.length > MAX_PROCESSES) return null
  const rows = pids.map((pid) => parseProcess(toText(`/proc/${pid}/stat`) ?? ''))
  return {
    isUnit: /\/rollcall-runner[^/]*\.service$/m.test(cgroup),
    processes: rows.filter((row) => row !== null),
  }
}

/** Reads one variable out of the environment that a process was started with; null when it has none or does not show it. */
export function readVariable(pid: number, name: string): string | null {
  let fd: number | undefined
  try {
    fd = openSync(`/proc/${pid}/environ`, 'r')
    const buffer = Buffer.alloc(MAX_ENVIRONMENT_BYTES)
    const text = `\0${buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))}`
    const at = text.indexOf(`\0${name}=`)
    if (at < 0) return null
    const from = at + name.length + 2
    const end = text.indexOf('\0', from)
    return text.slice(from, end < 0 ? undefined : end)
  } catch (error) {
    if (isGone(error)) return null
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function toText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

// It ended a moment ago, belongs to somebody else, or this hierarchy is not mounted.
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'EOPNOTSUPP'].includes(errorCode(error))
