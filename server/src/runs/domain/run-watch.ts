import { isFinalState, type RunCommand, type RunCounts, toRunState } from '@rollcall/contracts/admin'
import { noCounts } from './run.ts'

/** The commands of a run as one viewer knows them. What it keeps is bounded by the run's size. */
export class RunWatch {
  private readonly known = new Map<string, RunCommand>()
  private readonly unfinished = new Set<string>()

  /** `total` is how many commands the run has; those of which nothing was read count as pending. */
  constructor(private readonly total: number) {}

  /** Takes what was read; returns those that are news. How a command ended never changes. */
  take(commands: readonly RunCommand[]): RunCommand[] {
    return commands.filter((command) => {
      const before = this.known.get(command.id)
      if (before && isFinalState(before.state)) return false
      this.known.set(command.id, command)
      if (isFinalState(command.state)) this.unfinished.delete(command.id)
      else this.unfinished.add(command.id)
      return toRunState(command) !== (before ? toRunState(before) : 'pending')
    })
  }

  /** Returns commands that had not ended when last read and are not among `unfinished`. */
  missingIn(unfinished: readonly RunCommand[]): string[] {
    const still = new Set(unfinished.map(({ id }) => id))
    return [...this.unfinished].filter((id) => !still.has(id))
  }

  get counts(): RunCounts {
    const counts = noCounts()
    for (const command of this.known.values()) counts[toRunState(command)]++
    counts.pending += this.total - this.known.size
    return counts
  }

  /** Commands that have not ended, as far as is known. */
  get open(): number {
    return this.total - this.known.size + this.unfinished.size
  }
}
