import { readFile } from 'node:fs/promises'

/** Names one process for good: a pid alone is used again after its process has ended. */
export interface Owner {
  pid: number
  /** Clock ticks between the machine's boot and the process's start: field 22 of /proc/PID/stat. */
  startTime: string
  /** The kernel's boot id: start times begin anew with each boot. */
  bootId: string
}

export async function currentOwner(): Promise<Owner> {
  const process_ = await readProcess(process.pid)
  if (!process_) throw new Error('/proc does not show this process: is /proc mounted?')
  return { pid: process.pid, startTime: process_.startTime, bootId: await readBootId() }
}

export async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.bootId !== (await readBootId())) return false
  const found = await readProcess(owner.pid)
  // A zombie is dead: it merely waits for a parent that may never collect it.
  return found !== undefined && found.startTime === owner.startTime && !['Z', 'X'].includes(found.state)
}

async function readProcess(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  let stat: string
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
  // Field 2 is the program's name in brackets and may itself hold spaces and brackets: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (state === undefined || startTime === undefined)
    throw new Error(`cannot read /proc/${pid}/stat: ${stat}`)
  return { state, startTime }
}

async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
}
