import { sanitizeText } from '@rollcall/contracts'
import type { ProcessRow } from '../process-table.ts'

/** The environment variable that names the command of a process. */
export const COMMAND_VARIABLE = 'ROLLCALL_COMMAND_ID'

const MAX_NAMED = 8
const MAX_NAME = 32

export interface LeftBehindView {
  commandId: string
  /** The leader of the command's process group, which has ended. */
  leader: { pid: number; start: string }
  /** No other command has run since this one started. */
  isAlone: boolean
  /** The control group is the runner's unit, so that every process in it descends from a command or the runner. */
  isUnit: boolean
  runner: number
  /** Leaders of other running commands. */
  otherLeaders: ReadonlySet<number>
  processes: readonly ProcessRow[]
  /** Returns the command that a process's environment names, or null. */
  toCommand(pid: number): string | null
}

/** Finds the processes that a command left running: those of the runner's control group that descend from it, in any session. */
export function findLeftBehind(view: LeftBehindView): ProcessRow[] {
  const byPid = new Map(view.processes.map((row) => [row.pid, row]))
  return view.processes.filter((row) => {
    if (row.state === 'Z' || row.state === 'X' || row.pid === view.runner) return false
    const { pid } = view.leader
    if (row.group === pid || row.session === pid) return true
    const named = view.toCommand(row.pid)
    if (named !== null) return named === view.commandId
    if (hasOwner(row, view, byPid)) return false
    // It hides its origin: it belongs to the command if nothing else can have started it.
    return view.isUnit && view.isAlone
  })
}

/** Tells whether a process or one of its ancestors is older than the command, a helper of the runner, or of another command. */
function hasOwner(row: ProcessRow, view: LeftBehindView, byPid: ReadonlyMap<number, ProcessRow>): boolean {
  const { runner, otherLeaders } = view
  let current: ProcessRow | undefined = row
  for (let steps = 0; current !== undefined && steps <= byPid.size; steps++) {
    if (otherLeaders.has(current.pid) || otherLeaders.has(current.group) || otherLeaders.has(current.session))
      return true
    if (current.parent === runner || BigInt(current.start) < BigInt(view.leader.start)) return true
    current = byPid.get(current.parent)
  }
  return false
}

/** Describes the processes in a sentence. Returns null if there are none. */
export function describeLeft(processes: readonly ProcessRow[]): string | null {
  const [first, ...others] = processes
  if (first === undefined) return null
  const named = [first, ...others]
    .slice(0, MAX_NAMED)
    .map(({ name, pid }) => `${sanitizeText(name, MAX_NAME) || '?'} (${pid})`)
  const more = processes.length > MAX_NAMED ? ` and ${processes.length - MAX_NAMED} more` : ''
  const count = processes.length === 1 ? '1 process' : `${processes.length} processes`
  return `${count} left: ${named.join(', ')}${more}.`
}
