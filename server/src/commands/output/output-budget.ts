import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../platform/config/config.ts'
import { CONFIG } from '../../platform/tokens.ts'
import type { OutputRoom } from './domain/output-bound.ts'

/** From this share of the bound on, the oldest output goes. */
const HIGH = 0.9
/** And so much of it that this share stays. */
const LOW = 0.8

/**
 * Keeps count of the output that is stored. What other servers store shows at the next measurement, so the bound may be passed by what
 * they take in between.
 */
@Injectable()
export class OutputBudget {
  private storedBytes = 0
  private onExcess: () => void = () => undefined

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  get room(): OutputRoom {
    const { outputBytes, outputTotalBytes } = this.config
    return { perCommand: outputBytes, total: outputTotalBytes, left: outputTotalBytes - this.storedBytes }
  }

  /** Bytes that have to go; 0 while there is room. */
  get excessBytes(): number {
    const { outputTotalBytes } = this.config
    return this.storedBytes > HIGH * outputTotalBytes
      ? Math.ceil(this.storedBytes - LOW * outputTotalBytes)
      : 0
  }

  /** Has `listener` called whenever output is stored while some has to go. */
  listen(listener: () => void): void {
    this.onExcess = listener
  }

  measured(storedBytes: number): void {
    this.storedBytes = storedBytes
  }

  stored(bytes: number): void {
    this.storedBytes += bytes
    if (this.excessBytes > 0) this.onExcess()
  }
}
