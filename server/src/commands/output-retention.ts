import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { CONFIG } from '../platform/tokens.ts'
import { WorkRepository } from './work.repository.ts'

const INTERVAL_MS = 3_600_000
const DAY_MS = 86_400_000
/** Commands whose output is removed in one statement. */
const BATCH = 100

/** Removes output that is older than the operator wants to keep it, so that the disk it takes is bounded. */
@Injectable()
export class OutputRetention implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private removing = Promise.resolve()

  constructor(
    private readonly work: WorkRepository,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.removing = this.repeater.repeat('removing old output', INTERVAL_MS, this.stopping.signal, () =>
      this.removeOld(),
    )
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.removing
  }

  private async removeOld(): Promise<void> {
    const now = this.clock.now()
    const before = new Date(now.getTime() - this.config.outputDays * DAY_MS)
    let total = 0
    for (let count = BATCH; count === BATCH && !this.stopping.signal.aborted; total += count)
      count = await this.work.removeOutput(before, now, BATCH)
    if (total > 0)
      this.log.info(`removed the output of ${total} commands older than ${this.config.outputDays} days`)
  }
}
