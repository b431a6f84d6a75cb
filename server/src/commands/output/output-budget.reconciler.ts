import { Inject, Injectable } from '@nestjs/common'
import { Reconciler } from '../../platform/background/reconciler.ts'
import type { Config } from '../../platform/config/config.ts'
import { LOGGER, type Logger } from '../../platform/log.ts'
import { CONFIG } from '../../platform/tokens.ts'
import { OutputRepository } from './output.repository.ts'
import { OutputBudget } from './output-budget.ts'

/** Commands whose output is removed in one statement. */
const BATCH = 100

/** Measures the stored output, at once where it seems too much, and removes the oldest where it is. */
@Injectable()
export class OutputBudgetReconciler extends Reconciler {
  override readonly name = 'output-budget'
  override readonly intervalMs = 15_000
  override readonly minPauseMs = 1000

  constructor(
    private readonly outputs: OutputRepository,
    private readonly budget: OutputBudget,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
    budget.listen(() => this.wake())
  }

  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    this.budget.measured(await this.outputs.sumBytes())
    let commands = 0
    while (this.budget.excessBytes > 0 && !signal.aborted) {
      const removed = await this.outputs.removeOldest(this.budget.excessBytes, now, BATCH)
      if (removed.commands === 0) break
      commands += removed.commands
      this.budget.stored(-removed.bytes)
    }
    if (commands > 0)
      this.log.info(
        `removed the output of the ${commands} commands that ended first: all of it together came near ${this.config.outputTotalBytes} bytes (ROLLCALL_OUTPUT_TOTAL_BYTES)`,
      )
  }
}
