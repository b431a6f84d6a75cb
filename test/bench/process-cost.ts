import { readdir, readFile } from 'node:fs/promises'

/** The kernel tells processor time in ticks of 1/100 s on every machine that it runs on. */
const TICK_MS = 10

/** Processor time that a process has used so far, in milliseconds, its threads included. */
export async function cpuMs(pid: number): Promise<number> {
  const { own } = await readStat(pid)
  return own * TICK_MS
}

/** The same with what its children used that have ended: an agent's runner with the programs that it ran. */
export async function cpuMsWithEnded(pid: number): Promise<number> {
  const { own, ended } = await readStat(pid)
  return (own + ended) * TICK_MS
}

/** Returns the processor time of a process and all its children, ended ones included: a database with its workers. */
export async function familyCpuMs(pid: number): Promise<number> {
  const { own, ended } = await readStat(pid)
  let ticks = own + ended
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // One that ends at this moment is counted with the ended ones the next time.
    const child = await readStat(Number(name)).catch(() => undefined)
    if (child?.parent === pid) ticks += child.own + child.ended
  }
  return ticks * TICK_MS
}

/** Returns the processor time of all processes of a program on this machine, by the kernel's name of it. */
export async function programCpuMs(name: string): Promise<number> {
  let ticks = 0
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const stat = await readStat(Number(pid)).catch(() => undefined)
    if (stat?.name === name) ticks += stat.own
  }
  return ticks * TICK_MS
}

interface Stat {
  name: string
  parent: number
  own: number
  ended: number
}

async function readStat(pid: number): Promise<Stat> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Field 2 is the program's name in brackets and may itself hold spaces and brackets: count from the last one.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const at = (index: number) => {
    const value = fields[index]
    if (value === undefined || Number.isNaN(value)) throw new Error(`cannot read /proc/${pid}/stat: ${stat}`)
    return value
  }
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  return { name, parent: at(1), own: at(11) + at(12), ended: at(13) + at(14) }
}
