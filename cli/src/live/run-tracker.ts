import type { LiveEvent, RunCommand, RunCounts, RunView } from '@rollcall/contracts/admin'
import { toRunState } from '@rollcall/contracts/admin/runs/schemas'
import { type Attended, type AttendSettings, attend, refusalIn } from './attend.ts'
import type { LiveConnection } from './live-connection.ts'

export interface RunViewer {
  /** `changed` are those whose state is another than before. */
  onProgress(counts: RunCounts, changed: readonly RunCommand[]): void
}

/** Follows a run to its end by its counts and states, without output: as cheap for a thousand hosts as for one. */
export class RunTracker implements Attended {
  private readonly runId: string
  private readonly viewer: RunViewer
  private readonly settings: AttendSettings
  private readonly states = new Map<string, string>()
  private ended: RunView | undefined

  constructor(runId: string, viewer: RunViewer, settings: AttendSettings) {
    this.runId = runId
    this.viewer = viewer
    this.settings = settings
  }

  /** Resolves to the run when it has ended. Throws `UnreachableError` when the server stayed silent for too long. */
  async run(): Promise<RunView> {
    await attend(this, this.settings)
    if (!this.ended) throw new Error('the run was followed to an end that never came')
    return this.ended
  }

  get isDone(): boolean {
    return this.ended !== undefined
  }

  ask(connection: LiveConnection): void {
    connection.send({ type: 'follow-run', runId: this.runId })
  }

  take(event: LiveEvent): boolean {
    if (event.type === 'error') {
      const error = refusalIn(event)
      if (error) throw error
      return false
    }
    if (event.type === 'run-end' && event.run.id === this.runId) this.ended = event.run
    if (event.type === 'run' && event.runId === this.runId) {
      // After a reconnection what is known is told again.
      const changed = event.commands.filter(({ id, state, isHeld }) => {
        const now = toRunState({ state, isHeld })
        const isNews = this.states.get(id) !== now
        this.states.set(id, now)
        return isNews
      })
      this.viewer.onProgress(event.counts, changed)
    }
    return true
  }
}
