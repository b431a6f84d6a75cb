import { readFileSync } from 'node:fs'

/** Returns whether process `pid` is running and, if given, has this `name`, since pids are reused. */
export function isAlive(pid: number, name?: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const isZombie = stat[stat.lastIndexOf(')') + 2] === 'Z'
    return !isZombie && (name === undefined || command === name)
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
