import { readFileSync } from 'node:fs'

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number
  /** Field 22 of /proc/PID/stat: clock ticks from boot to its start. */
  start: string
}

/** The start time out of /proc/PID/stat. The name, in parentheses, may itself hold spaces and parentheses. */
export function parseStartTime(stat: string): string | null {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2)
  const field = afterName.split(' ')[19]
  return field !== undefined && /^\d+$/.test(field) ? field : null
}

/** The state letter out of /proc/PID/stat, `Z` for a process that is dead and not yet collected. */
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

export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid)
  const start = stat === null ? null : parseStartTime(stat)
  return start === null ? null : { pid, start }
}

export function isAlive(process: ProcessIdentity): boolean {
  const stat = readStat(process.pid)
  return stat !== null && parseStartTime(stat) === process.start && parseState(stat) !== 'Z'
}

/** Sends a signal to a process group; `false` when the group has no member left. Signal 0 only asks. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ESRCH') return false
    // Members that changed their user: they exist, and a runner that is not root may not touch them.
    if (code === 'EPERM') return true
    throw error
  }
}

/**
 * Signals a group through its leader, which this process has started and not yet seen to exit. A leader that was forked a
 * moment ago may not have made its group yet: then the signal goes to the leader alone, which has no children so far.
 */
export function signalStartedGroup(leader: number, signal: NodeJS.Signals): void {
  if (signalGroup(leader, signal)) return
  try {
    process.kill(leader, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The kernel's boot id: another one means that nothing from before is still running. */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
