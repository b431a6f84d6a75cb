import { readFile } from 'node:fs/promises'

/** The kernel tells processor time in ticks of 1/100 s on every machine that it runs on. */
const TICK_MS = 10

/** Processor time that a process has used so far, in milliseconds, its threads included. */
export async function cpuMs(pid: number): Promise<number> {
  const [own] = await ticks(pid)
  return own * TICK_MS
}

/** The same with what its ended and awaited children have used. */
export async function cpuMsWithEnded(pid: number): Promise<number> {
  const [own, ended] = await ticks(pid)
  return (own + ended) * TICK_MS
}

async function ticks(pid: number): Promise<[own: number, ended: number]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Field 2 is the program's name in brackets and may itself hold spaces and brackets: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number)
  if ([user, system, endedUser, endedSystem].some((count) => count === undefined || Number.isNaN(count)))
    throw new Error(`cannot read /proc/${pid}/stat: ${stat}`)
  return [(user ?? 0) + (system ?? 0), (endedUser ?? 0) + (endedSystem ?? 0)]
}
