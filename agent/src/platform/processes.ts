import { readFileSync } from 'node:fs'

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

function readStat(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}

/** Returns the identity of a running process, or null if there is none. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid)
  const start = stat === null ? null : parseStartTime(stat)
  return start === null ? null : { pid, start }
}

/** Tells whether the process still runs; a zombie does not. */
export function isAlive(process: ProcessIdentity): boolean {
  const stat = readStat(process.pid)
  return stat !== null && parseStartTime(stat) === process.start && parseState(stat) !== 'Z'
}

/** Reads the kernel's boot id, which changes with every boot. */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
