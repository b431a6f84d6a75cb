import { Inject, Injectable } from '@nestjs/common'
import { LOGGER, type Logger } from '../log.ts'
import { Clock } from './clock.ts'

/** Does a thing again and again, never twice at once, and whatever becomes of one time. */
@Injectable()
export class Repeater {
  constructor(
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Resolves after `signal` has fired and the work under way has ended. */
  async repeat(
    what: string,
    intervalMs: number,
    signal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      await work().catch((error) => this.log.warn({ err: error }, `${what} failed; trying again`))
      await this.clock.sleep(intervalMs, signal).catch((error: Error) => {
        if (error.name !== 'AbortError') throw error
      })
    }
  }
}
