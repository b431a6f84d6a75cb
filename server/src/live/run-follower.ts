import { type LiveEvent, RUN_EVENT_COMMANDS, type RunCommand } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { HostScope } from '../access/index.ts'
import type { CommandEvents } from '../commands/index.ts'
import { type RunsRepository, type RunsService, RunWatch } from '../runs/index.ts'
import { Pause } from './pause.ts'
import { waitForDrain } from './wait-for-drain.ts'

/** A viewer is sent changes this often at most, unless the run has ended. */
const MIN_INTERVAL_MS = 250
/** Changes by another server are seen at the next poll. */
const POLL_INTERVAL_MS = 2000
const PAGE_SIZE = 1000

/**
 * Publishes a run to one viewer: counts, and the commands whose state has changed. Changes by this server are read by id; all that is
 * unfinished is polled.
 */
export class RunFollower {
  private isStopped = false
  private changed = new Set<string>()
  private ended = new Set<string>()
  private readonly pause = new Pause()

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
    this.pause.interrupt()
  }

  /** Resolves when the run has ended and all was published, or when stopped. Throws what the database throws. */
  async run(): Promise<void> {
    const watch = new RunWatch((await this.runs.find(this.runId)).total)
    const unfollow = this.events.followRun(this.runId, ({ id, hasEnded }) => {
      this.changed.add(id)
      if (hasEnded) this.ended.add(id)
      if (hasEnded ? this.ended.size >= watch.open : this.changed.size === 1) this.pause.interrupt()
    })
    try {
      // Those that end meanwhile are in the second answer, if not in both.
      const unfinished = await this.rows.unfinishedCommands(this.runId)
      this.publish(watch, watch.take([...unfinished, ...(await this.rows.endedCommands(this.runId))]))
      let polledMs = performance.now()
      while (watch.open > 0) {
        await this.waitForChange(watch)
        await waitForDrain(this.socket, () => this.isStopped)
        if (this.isStopped) return
        const isPollDue = this.changed.size === 0 || performance.now() - polledMs >= POLL_INTERVAL_MS
        if (isPollDue) polledMs = performance.now()
        const changed = isPollDue ? await this.poll(watch) : await this.readChanged(watch)
        if (changed.length > 0) this.publish(watch, changed)
      }
      this.send({ type: 'run-end', run: await this.runs.show(this.runId, this.scope) })
    } finally {
      unfollow()
    }
  }

  private async poll(watch: RunWatch): Promise<RunCommand[]> {
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
    for (let first = 0; first < ids.length; first += PAGE_SIZE)
      commands.push(...(await this.rows.commands(ids.slice(first, first + PAGE_SIZE))))
    return commands
  }

  /** Waits for a change, but no less than the minimal interval; or for the last command to end, or the next poll. */
  private async waitForChange(watch: RunWatch): Promise<void> {
    const isOver = () => this.isStopped || this.ended.size >= watch.open
    await this.pause.wait(MIN_INTERVAL_MS, isOver)
    if (this.changed.size === 0)
      await this.pause.wait(POLL_INTERVAL_MS - MIN_INTERVAL_MS, () => isOver() || this.changed.size > 0)
  }

  private publish(watch: RunWatch, changed: readonly RunCommand[]): void {
    const { counts } = watch
    let first = 0
    do {
      const commands = changed.slice(first, first + RUN_EVENT_COMMANDS)
      this.send({ type: 'run', runId: this.runId, counts, commands })
      first += RUN_EVENT_COMMANDS
    } while (first < changed.length)
  }

  private send(event: LiveEvent): void {
    if (!this.isStopped && this.socket.readyState === this.socket.OPEN)
      this.socket.send(JSON.stringify(event))
  }
}
