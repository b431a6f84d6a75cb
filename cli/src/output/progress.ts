import type { RunCounts, RunState } from '@rollcall/contracts/admin'
import { RUN_STATE } from '@rollcall/contracts/admin/runs/schemas'
import type { Context } from '../context.ts'
import { formatHostCount } from './format-command.ts'

/** Without a terminal, a line at most this often. */
const PLAIN_INTERVAL_MS = 5000

/** Names of states that differ from their identifiers. */
const WORDS: Readonly<Partial<Record<RunState, string>>> = {
  held: 'waiting for their turn',
  pending: 'starting',
  success: 'ok',
}
const toWord = (state: RunState) => WORDS[state] ?? state.replaceAll('_', ' ')

/** Formats counts: `20 hosts: 3 running, 16 ok, 1 failed`; zeros are left out. */
export function countsLine(counts: RunCounts): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const parts = RUN_STATE.names.flatMap((state) =>
    counts[state] > 0 ? [`${counts[state]} ${toWord(state)}`] : [],
  )
  return `${formatHostCount(total)}: ${parts.join(', ')}`
}

/** Shows the progress of long work on stderr: one line that is redrawn on a terminal, a line now and then elsewhere. */
export class ProgressLine {
  private readonly stderr: Context['stderr']
  private readonly now: () => number
  private isDrawn = false
  private shown = ''
  private shownAt: number

  constructor(stderr: Context['stderr'], now = () => performance.now()) {
    this.stderr = stderr
    this.now = now
    this.shownAt = now()
  }

  show(counts: RunCounts): void {
    this.showLine(countsLine(counts))
  }

  showLine(line: string): void {
    if (line === this.shown) return
    if (this.stderr.isTTY) {
      this.stderr.write(`\r\x1b[2K${line.slice(0, Math.max(1, (this.stderr.columns || 80) - 1))}`)
      this.isDrawn = true
    } else if (this.now() - this.shownAt >= PLAIN_INTERVAL_MS) {
      this.stderr.write(`${line}\n`)
      this.shownAt = this.now()
    } else return
    this.shown = line
  }

  /** Clears the line, so that something else can be written. */
  clear(): void {
    if (this.isDrawn) this.stderr.write('\r\x1b[2K')
    this.isDrawn = false
    this.shown = ''
  }
}
