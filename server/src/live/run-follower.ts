import { RUN_EVENT_COMMANDS, type RunCommand } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { HostScope } from '../access/index.ts'
import type { CommandEvents } from '../commands/index.ts'
import { type RunsRepository, type RunsService, RunWatch } from '../runs/index.ts'
import { type PartChange, ProgressFollower } from './progress-follower.ts'

const READ_AT_ONCE = 1000

/**
 * Publishes the progress of a run: counts, and the commands whose state has changed. What this server changes is read by its ids;
 * all that is unfinished is read at each poll.
 */
export class RunFollower extends ProgressFollower {
  private readonly changed = new Set<string>()
  private watch: RunWatch | undefined

  constructor(
    private readonly runId: string,
    private readonly scope: HostScope,
    socket: WebSocket,
    private readonly runs: RunsService,
    private readonly runsRepository: RunsRepository,
    private readonly events: CommandEvents,
  ) {
    super(socket)
  }

  protected subscribe(notify: (change: PartChange) => void): () => void {
    return this.events.followRun(this.runId, (change) => {
      this.changed.add(change.id)
      notify(change)
    })
  }

  protected async publish(isPollDue: boolean): Promise<boolean> {
    const ids = [...this.changed]
    this.changed.clear()
    const isFirst = this.watch === undefined
    this.watch ??= new RunWatch((await this.runs.find(this.runId)).total)
    const { watch } = this
    const news = watch.take(isPollDue ? await this.readOpen(watch, isFirst) : await this.read(ids))
    this.open = watch.open
    if (isFirst || news.length > 0) this.sendNews(watch, news)
    if (watch.open > 0) return false
    this.send({ type: 'run-end', run: await this.runs.show(this.runId, this.scope) })
    return true
  }

  /** Reads what is unfinished, and what has ended since, or at first all that has ended. */
  private async readOpen(watch: RunWatch, isFirst: boolean): Promise<RunCommand[]> {
    const unfinished = await this.runsRepository.unfinishedCommands(this.runId)
    // Commands that end meanwhile are in the second answer, if not in both.
    const ended = isFirst
      ? await this.runsRepository.endedCommands(this.runId)
      : await this.read(watch.missingIn(unfinished))
    return [...unfinished, ...ended]
  }

  private async read(ids: readonly string[]): Promise<RunCommand[]> {
    const commands: RunCommand[] = []
    for (let first = 0; first < ids.length; first += READ_AT_ONCE)
      commands.push(...(await this.runsRepository.commands(ids.slice(first, first + READ_AT_ONCE))))
    return commands
  }

  private sendNews(watch: RunWatch, news: readonly RunCommand[]): void {
    const { counts } = watch
    let first = 0
    do {
      const commands = news.slice(first, first + RUN_EVENT_COMMANDS)
      this.send({ type: 'run', runId: this.runId, counts, commands })
      first += RUN_EVENT_COMMANDS
    } while (first < news.length)
  }
}
