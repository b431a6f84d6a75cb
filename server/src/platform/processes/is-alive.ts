import { readFileSync } from 'node:fs'

/** Tests whether process `pid` runs and, if given, is called `name`, since numbers are reused. */
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
