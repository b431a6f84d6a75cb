import { Inject, Injectable } from '@nestjs/common'
import { CAN_WAIT_MS, Reconciler } from '../../platform/background/reconciler.ts'
import type { Config } from '../../platform/config/config.ts'
import { LOGGER, type Logger } from '../../platform/log.ts'
import { CONFIG } from '../../platform/tokens.ts'
import { OutputRepository } from './output.repository.ts'

const DAY_MS = 86_400_000
/** Commands whose output is removed in one statement. */
const BATCH = 100

/** Removes output that is older than the operator wants to keep it. */
@Injectable()
export class OldOutputReconciler extends Reconciler {
  override readonly name = 'old-output'
  override readonly intervalMs = 3_600_000
  override readonly startDelayMs = CAN_WAIT_MS

  constructor(
    private readonly outputs: OutputRepository,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    const { outputDays } = this.config
    const before = new Date(now.getTime() - outputDays * DAY_MS)
    let total = 0
    for (let count = BATCH; count === BATCH && !signal.aborted; total += count)
      count = await this.outputs.removeEndedBefore(before, now, BATCH)
    if (total > 0) this.log.info(`removed the output of ${total} commands older than ${outputDays} days`)
  }
}
