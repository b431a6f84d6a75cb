import { setMaxListeners } from 'node:events'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { CAN_WAIT_MS, Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SpoolCleanupRepository } from './spool-cleanup.repository.ts'

/** How long ended commands of one host are gathered: nothing waits for this, and both machines are busy at an end. */
const GATHER_MS = 2000
/** Further ones are left to the next tick. */
const MAX_PENDING = 50_000
/** An agent takes as many calls in one request. */
const CALLS_AT_ONCE = 16

/** How long after the end of a command its agent is told again that it may forget it. */
const LOOK_BACK_MS = 7 * 86_400_000
const BATCH = 500

/** Tells agents that they may forget ended commands. What fails, or a server that stops did not get to, is done by a later tick. */
@Injectable()
export class SpoolCleanup extends Reconciler {
  override readonly name = 'spool-cleanup'
  override readonly intervalMs = 60_000
  override readonly startDelayMs = CAN_WAIT_MS
  private readonly stopping = new AbortController()
  private readonly pending = new Map<string, string[]>()
  private count = 0

  constructor(
    private readonly commands: SpoolCleanupRepository,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
    setMaxListeners(0, this.stopping.signal)
  }

  override async drain(): Promise<void> {
    this.stopping.abort()
  }

  /** Takes note of a command whose end and output are stored. Its agent is told within seconds, of all that ended meanwhile at once. */
  add(id: string, hostId: string): void {
    if (this.count >= MAX_PENDING) return
    this.count++
    const others = this.pending.get(hostId)
    if (others) {
      others.push(id)
      return
    }
    this.pending.set(hostId, [id])
    this.clock.sleep(GATHER_MS, this.stopping.signal).then(
      () => this.releasePending(hostId),
      () => undefined, // The server stops; the next one's tick does it.
    )
  }

  private releasePending(hostId: string): Promise<void> {
    const ids = this.pending.get(hostId) ?? []
    this.pending.delete(hostId)
    this.count -= ids.length
    return this.releaseAll(hostId, ids, this.stopping.signal)
  }

  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    const since = new Date(now.getTime() - LOOK_BACK_MS)
    const unreleased = await this.commands.unreleased(since, CALLS_AT_ONCE, BATCH)
    const byHost = Map.groupBy(unreleased, ({ hostId }) => hostId)
    const toIds = (commands: readonly { id: string }[]) => commands.map(({ id }) => id)
    await Promise.all(
      [...byHost].map(([hostId, commands]) => this.releaseAll(hostId, toIds(commands), signal)),
    )
  }

  private async releaseAll(hostId: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      for (let first = 0; first < ids.length; first += CALLS_AT_ONCE)
        await this.release(hostId, ids.slice(first, first + CALLS_AT_ONCE), signal)
    } catch (error) {
      this.log.debug(
        { err: error, hostId },
        'an agent could not be told to forget commands; it is told later',
      )
    }
  }

  private async release(hostId: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const calls = ids.map((id) => ({ method: 'release_command', params: { command_id: id } }) as const)
    const released = await this.agents.batch(hostId, calls, { signal }).then(
      (outcomes) => ids.filter((_, i) => isReleased(outcomes[i])),
      (error) => {
        // The host left the fleet, and with it everything that it kept.
        if (error instanceof RollcallError && error.code === 'host.not_found') return ids
        throw error
      },
    )
    await Promise.all(released.map((id) => this.commands.markReleased(id, this.clock.now())))
  }
}

/** One that its agent does not know, because it never got there or was forgotten with everything else, is not kept there. */
const isReleased = (outcome: RollcallError | { released: boolean } | undefined) =>
  outcome instanceof RollcallError ? outcome.code === 'command.not_found' : outcome?.released === true
