import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
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

/** Begins the rotation of credentials that are older than the operator wants them to be. */
@Injectable()
export class RotationSchedule implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private looking = Promise.resolve()

  constructor(
    private readonly rows: RotationsRepository,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(CONFIG) private readonly config: Pick<Config, 'rotateDays'>,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    const { rotateDays } = this.config
    if (rotateDays === null) return
    this.looking = this.repeater.repeat(
      'looking for old credentials',
      INTERVAL_MS,
      this.stopping.signal,
      () => this.look(rotateDays),
    )
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.looking
  }

  /** Those whose host does not answer have their turn when it does. */
  async look(rotateDays: number): Promise<void> {
    const now = this.clock.now()
    const ids = await this.rows.olderThan(new Date(now.getTime() - rotateDays * DAY_MS), AT_ONCE)
    if (ids.length === 0) return
    await this.rows.begin(ids, REQUESTED_BY, now)
    this.log.info(`rotating the credentials of ${ids.length} agents, which are older than ${rotateDays} days`)
  }
}
