import { sanitizeText } from '@rollcall/contracts'
import type { ProcessRow } from '../platform/process-table.ts'

/** Which command a process descends from, by its environment. */
export const COMMAND_VARIABLE = 'ROLLCALL_COMMAND_ID'

const MAX_NAMED = 8
const MAX_NAME = 32

export interface LeftView {
  commandId: string
  /** The leader of the command's program, which has ended. */
  leader: { pid: number; start: string }
  /** No other command has run since this one began. */
  isAlone: boolean
  /** The control group is the runner's unit, so that whatever is in it descends from a command. */
  isUnit: boolean
  runner: number
  /** Leaders of the programs of other commands that run. */
  otherLeaders: ReadonlySet<number>
  processes: readonly ProcessRow[]
  /** The command that a process's environment names; null when it names none or cannot be read. */
  toCommand(pid: number): string | null
}

/** Finds what a command left running: processes of the runner's control group that descend from it, whatever session they made. */
export function leftBehind(view: LeftView): ProcessRow[] {
  const byPid = new Map(view.processes.map((row) => [row.pid, row]))
  return view.processes.filter((row) => {
    if (row.state === 'Z' || row.state === 'X' || row.pid === view.runner) return false
    const { pid } = view.leader
    if (row.group === pid || row.session === pid) return true
    const named = view.toCommand(row.pid)
    if (named !== null) return named === view.commandId
    if (hasOwner(row, view, byPid)) return false
    // It hides where it comes from: it is ours if nothing else can have made it.
    return view.isUnit && view.isAlone
  })
}

/** Whether it, or what started it, is older than the command, the runner's own helper, or belongs to another command. */
function hasOwner(row: ProcessRow, view: LeftView, byPid: ReadonlyMap<number, ProcessRow>): boolean {
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

/** Says in a sentence what was left; null for nothing. */
export function leftInWords(processes: readonly ProcessRow[]): string | null {
  const [first, ...others] = processes
  if (first === undefined) return null
  const named = [first, ...others]
    .slice(0, MAX_NAMED)
    .map(({ name, pid }) => `${sanitizeText(name, MAX_NAME) || '?'} (${pid})`)
  const more = processes.length > MAX_NAMED ? ` and ${processes.length - MAX_NAMED} more` : ''
  const count = processes.length === 1 ? '1 process' : `${processes.length} processes`
  return `${count} left: ${named.join(', ')}${more}.`
}
