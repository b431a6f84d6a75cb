import { unlessCode } from '../platform/files.ts'

/** Signals a process group; signal 0 only tests. Returns false if the group has no member. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ESRCH') return false
    // Its members run as another user: they exist, but a runner without root may not signal them.
    if (code === 'EPERM') return true
    throw error
  }
}

/**
 * Signals the group of a child that has not exited yet. A child that has not created its group yet is signalled alone; it has no
 * children so far.
 */
export function signalStartedGroup(leader: number, signal: NodeJS.Signals): void {
  if (!signalGroup(leader, signal)) unlessCode(['ESRCH'], () => process.kill(leader, signal))
}
