import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { Clock } from '../../platform/clock/clock.ts'
import { Repeater } from '../../platform/clock/repeater.ts'
import type { Config } from '../../platform/config/config.ts'
import { LOGGER, type Logger } from '../../platform/log.ts'
import { CONFIG } from '../../platform/tokens.ts'
import { OutputRepository } from './output.repository.ts'
import { OutputBudget } from './output-budget.ts'

const INTERVAL_MS = 3_600_000
const DAY_MS = 86_400_000
/** Stored output is added up this often, and at once where it seems too much, with this pause in between. */
const MEASURE_INTERVAL_MS = 15_000
const MIN_PAUSE_MS = 1000
/** Commands whose output is removed in one statement. */
const BATCH = 100

/** Removes output that is older than the operator wants to keep it, and the oldest where all of it is too much. */
@Injectable()
export class OutputRetention implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private removing: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly outputs: OutputRepository,
    private readonly budget: OutputBudget,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    const { signal } = this.stopping
    this.removing = Promise.all([
      this.repeater.repeat('removing old output', INTERVAL_MS, signal, () => this.removeOld()),
      this.repeater.repeat('making room for output', MIN_PAUSE_MS, signal, () => this.makeRoom()),
    ])
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.removing
  }

  private async makeRoom(): Promise<void> {
    this.budget.measured(await this.outputs.sumBytes())
    let commands = 0
    while (this.budget.excessBytes > 0 && !this.stopping.signal.aborted) {
      const removed = await this.outputs.removeOldest(this.budget.excessBytes, this.clock.now(), BATCH)
      if (removed.commands === 0) break
      commands += removed.commands
      this.budget.stored(-removed.bytes)
    }
    if (commands > 0)
      this.log.info(
        `removed the output of the ${commands} commands that ended first: all of it together came near ${this.config.outputTotalBytes} bytes (ROLLCALL_OUTPUT_TOTAL_BYTES)`,
      )
    await this.budget.pressed.wait(MEASURE_INTERVAL_MS, this.stopping.signal)
  }

  private async removeOld(): Promise<void> {
    const now = this.clock.now()
    const before = new Date(now.getTime() - this.config.outputDays * DAY_MS)
    let total = 0
    for (let count = BATCH; count === BATCH && !this.stopping.signal.aborted; total += count)
      count = await this.outputs.removeEndedBefore(before, now, BATCH)
    if (total > 0)
      this.log.info(`removed the output of ${total} commands older than ${this.config.outputDays} days`)
  }
}
