import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { ServerIdentities } from '../identities/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { CONFIG } from '../platform/tokens.ts'
import { RotationsRepository } from './rotations.repository.ts'

const INTERVAL_MS = 300_000
const DAY_MS = 86_400_000
/** Of a large fleet that was installed on one day not all are due at one moment: 14,400 a day at most. */
const AT_ONCE = 50
/** In whose name, as a host's history tells. */
const REQUESTED_BY = 'the schedule'

/**
 * Begins the rotation of credentials that are older than the operator wants them to be, and of agents that know the servers by an identity
 * that has been replaced; removes identities that no agent knows any more.
 */
@Injectable()
export class RotationSchedule implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private looking = Promise.resolve()

  constructor(
    private readonly rows: RotationsRepository,
    private readonly identities: ServerIdentities,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(CONFIG) private readonly config: Pick<Config, 'rotateDays'>,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    const { signal } = this.stopping
    this.looking = this.repeater.repeat('looking for old credentials', INTERVAL_MS, signal, () => this.look())
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.looking
  }

  /** Those whose host does not answer have their turn when it does. */
  async look(): Promise<void> {
    const now = this.clock.now()
    const { rotateDays } = this.config
    const before = rotateDays === null ? null : new Date(now.getTime() - rotateDays * DAY_MS)
    const ids = await this.rows.outdated(before, AT_ONCE)
    await this.rows.begin(ids, REQUESTED_BY, now)
    if (ids.length > 0)
      this.log.info(`rotating the credentials of ${ids.length} agents, which are out of date`)
    const removed = await this.identities.removeUnused(now)
    if (removed > 0)
      this.log.info(`removed ${removed} identities of the servers that no agent knows any more`)
  }
}
