import { type LiveEvent, RUN_EVENT_COMMANDS, type RunCommand } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { HostScope } from '../access/index.ts'
import type { CommandEvents } from '../commands/index.ts'
import { type RunsRepository, type RunsService, RunWatch } from '../runs/index.ts'
import { drained } from './drained.ts'

/** A viewer is told at most this often, unless the run has ended. */
const PAUSE_MS = 250
/** Changes that this process did not see, because another server made them, are seen at the next look. */
const LOOK_AGAIN_MS = 2000
const READ_AT_ONCE = 1000

/**
 * Tells one viewer how a run gets on: counts, and the commands whose state has changed. What this server changes is read
 * by its ids; all that is unfinished is read every other second.
 */
export class RunFollower {
  private isStopped = false
  private changed = new Set<string>()
  private ended = new Set<string>()
  private wake: (() => void) | undefined

  constructor(
    private readonly runId: string,
    private readonly scope: HostScope,
    private readonly socket: WebSocket,
    private readonly runs: RunsService,
    private readonly rows: RunsRepository,
    private readonly events: CommandEvents,
  ) {}

  stop(): void {
    this.isStopped = true
    this.wake?.()
  }

  /** Ends when the run has ended and all was told, when stopped, or with the error that the database gave. */
  async run(): Promise<void> {
    const watch = new RunWatch((await this.runs.find(this.runId)).total)
    const unfollow = this.events.followRun(this.runId, ({ id, hasEnded }) => {
      this.changed.add(id)
      if (hasEnded) this.ended.add(id)
      if (hasEnded ? this.ended.size >= watch.open : this.changed.size === 1) this.wake?.()
    })
    try {
      // Those that end meanwhile are in the second answer, if not in both.
      const unfinished = await this.rows.unfinishedCommands(this.runId)
      this.tell(watch, watch.take([...unfinished, ...(await this.rows.endedCommands(this.runId))]))
      let lookedAt = performance.now()
      while (watch.open > 0) {
        await this.waitForNews(watch)
        await drained(this.socket, () => this.isStopped)
        if (this.isStopped) return
        const isLookDue = this.changed.size === 0 || performance.now() - lookedAt >= LOOK_AGAIN_MS
        if (isLookDue) lookedAt = performance.now()
        const news = isLookDue ? await this.lookAtAll(watch) : await this.readChanged(watch)
        if (news.length > 0) this.tell(watch, news)
      }
      this.send({ type: 'run-end', run: await this.runs.show(this.runId, this.scope) })
    } finally {
      unfollow()
    }
  }

  private async lookAtAll(watch: RunWatch): Promise<RunCommand[]> {
    this.changed.clear()
    this.ended.clear()
    const unfinished = await this.rows.unfinishedCommands(this.runId)
    const gone = await this.read(watch.missingIn(unfinished))
    return watch.take([...unfinished, ...gone])
  }

  private async readChanged(watch: RunWatch): Promise<RunCommand[]> {
    const ids = [...this.changed]
    this.changed.clear()
    this.ended.clear()
    return watch.take(await this.read(ids))
  }

  private async read(ids: readonly string[]): Promise<RunCommand[]> {
    const commands: RunCommand[] = []
    for (let first = 0; first < ids.length; first += READ_AT_ONCE)
      commands.push(...(await this.rows.commands(ids.slice(first, first + READ_AT_ONCE))))
    return commands
  }

  /** Until something has changed, but no sooner than the pause, or until the last command has ended, or the next look is due. */
  private async waitForNews(watch: RunWatch): Promise<void> {
    const isOver = () => this.isStopped || this.ended.size >= watch.open
    await this.sleep(PAUSE_MS, isOver)
    if (this.changed.size === 0)
      await this.sleep(LOOK_AGAIN_MS - PAUSE_MS, () => isOver() || this.changed.size > 0)
  }

  private async sleep(ms: number, isOver: () => boolean): Promise<void> {
    if (isOver()) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        if (!isOver()) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.wake = undefined
  }

  private tell(watch: RunWatch, news: readonly RunCommand[]): void {
    const { counts } = watch
    let first = 0
    do {
      const commands = news.slice(first, first + RUN_EVENT_COMMANDS)
      this.send({ type: 'run', runId: this.runId, counts, commands })
      first += RUN_EVENT_COMMANDS
    } while (first < news.length)
  }

  private send(event: LiveEvent): void {
    if (!this.isStopped && this.socket.readyState === this.socket.OPEN)
      this.socket.send(JSON.stringify(event))
  }
}
