import { readFileSync } from 'node:fs'
import { readIfThere, unlessCode } from './files.ts'

/** Identifies a process, even after its pid was reused. */
export interface ProcessIdentity {
  pid: number
  /** Field 22 of /proc/PID/stat: clock ticks from boot to its start. */
  start: string
}

/** Parses the start time in /proc/PID/stat, whose name field may itself hold spaces and parentheses. Returns null if there is none. */
export function parseStartTime(stat: string): string | null {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2)
  const field = afterName.split(' ')[19]
  return field !== undefined && /^\d+$/.test(field) ? field : null
}

/** Parses the state letter in /proc/PID/stat: `Z` is a zombie. */
export const parseState = (stat: string): string => stat.charAt(stat.lastIndexOf(')') + 2)

const readStat = (pid: number): string | null =>
  unlessCode(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/stat`, 'latin1'))

/** Returns the identity of a running process, or null if there is none. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid)
  const start = stat === null ? null : parseStartTime(stat)
  return start === null ? null : { pid, start }
}

/** Returns the identity of this process. */
export function identifyMyself(): ProcessIdentity {
  const myself = identify(process.pid)
  if (myself === null) throw new Error('/proc does not show this process')
  return myself
}

/** Reads the identity of a process that a file records. Returns null if it records none. */
export function readIdentity(path: string): ProcessIdentity | null {
  const text = readIfThere(path)
  return text === null || text === '' ? null : (JSON.parse(text) as ProcessIdentity)
}

/** Tells whether the process still runs; a zombie does not. */
export function isAlive(process: ProcessIdentity): boolean {
  const stat = readStat(process.pid)
  return stat !== null && parseStartTime(stat) === process.start && parseState(stat) !== 'Z'
}

/** Reads the kernel's boot id, which changes with every boot. */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
