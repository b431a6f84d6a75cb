import { setMaxListeners } from 'node:events'
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { WorkRepository } from './work.repository.ts'

/** How long ended commands of one host are gathered. Nobody waits for this: the machines have more urgent things to do at an end. */
const GATHER_MS = 2000
/** Further ones are left to the next look. */
const MAX_PENDING = 50_000
/** An agent takes as many calls in one request. */
const CALLS_AT_ONCE = 16

/** How often hosts are told again which ended commands they may forget, and for how long after the end. */
const LOOK_INTERVAL_MS = 60_000
const LOOK_BACK_MS = 7 * 86_400_000
const LOOK_LIMIT = 500

/** Tells hosts that they may forget ended commands. What fails, or a server that stops did not get to, is done by a later look. */
@Injectable()
export class CommandReleases implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private readonly gathered = new Map<string, string[]>()
  private count = 0
  private looking = Promise.resolve()

  constructor(
    private readonly work: WorkRepository,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    setMaxListeners(0, this.stopping.signal)
  }

  onModuleInit() {
    const { signal } = this.stopping
    const look = () =>
      this.repeater.repeat('telling hosts what to forget', LOOK_INTERVAL_MS, signal, () =>
        this.releaseLeftovers(),
      )
    // Not at once: a server that has just started has commands to take up.
    this.looking = this.clock.sleep(LOOK_INTERVAL_MS, signal).then(look, () => undefined)
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.looking
  }

  /** Takes note of a command whose end and output are stored. Its host is told within seconds, of all that ended meanwhile at once. */
  add(id: string, hostId: string): void {
    if (this.count >= MAX_PENDING) return
    this.count++
    const others = this.gathered.get(hostId)
    if (others) {
      others.push(id)
      return
    }
    this.gathered.set(hostId, [id])
    this.clock.sleep(GATHER_MS, this.stopping.signal).then(
      () => this.tellGathered(hostId),
      () => undefined, // The server stops; the next one looks.
    )
  }

  private tellGathered(hostId: string): Promise<void> {
    const ids = this.gathered.get(hostId) ?? []
    this.gathered.delete(hostId)
    this.count -= ids.length
    return this.tell(hostId, ids)
  }

  private async releaseLeftovers(): Promise<void> {
    const since = new Date(this.clock.now().getTime() - LOOK_BACK_MS)
    const leftovers = await this.work.unreleased(since, CALLS_AT_ONCE, LOOK_LIMIT)
    const byHost = Map.groupBy(leftovers, ({ hostId }) => hostId)
    await Promise.all(
      [...byHost].map(([hostId, all]) =>
        this.tell(
          hostId,
          all.map(({ id }) => id),
        ),
      ),
    )
  }

  private async tell(hostId: string, ids: readonly string[]): Promise<void> {
    try {
      for (let first = 0; first < ids.length; first += CALLS_AT_ONCE)
        await this.release(hostId, ids.slice(first, first + CALLS_AT_ONCE))
    } catch (error) {
      this.log.debug({ err: error, hostId }, 'a host could not be told to forget commands; it is told later')
    }
  }

  private async release(hostId: string, ids: readonly string[]): Promise<void> {
    const calls = ids.map((id) => ({ method: 'release_command', params: { command_id: id } }) as const)
    const released = await this.agents.callAll(hostId, calls, this.stopping.signal).then(
      (outcomes) => ids.filter((_, i) => isReleased(outcomes[i])),
      (error) => {
        // The host left the fleet, and with it everything that it kept.
        if (error instanceof RollcallError && error.code === 'host.not_found') return ids
        throw error
      },
    )
    await Promise.all(released.map((id) => this.work.markReleased(id, this.clock.now())))
  }
}

/** One that its host does not know, because it never went through the agent or was forgotten with everything else, is not kept there. */
const isReleased = (outcome: RollcallError | { released: boolean } | undefined) =>
  outcome instanceof RollcallError ? outcome.code === 'command.not_found' : outcome?.released === true
