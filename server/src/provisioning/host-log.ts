import type { ProvisioningPorts } from './install-ports.ts'

const PROGRESS_STEPS = 4
/** Uploads below this size report only their end. */
const SMALL_BYTES = 8_000_000
const PROGRESS_INTERVAL_MS = 10_000

/** Writes our own lines into an installation's log, in order with the output of programs. */
export class HostLog {
  readonly #write: ProvisioningPorts['log']
  #last: Promise<void> = Promise.resolve()
  readonly #written = new Set<string>()

  constructor(write: ProvisioningPorts['log']) {
    this.#write = write
  }

  /** Writes output of a program unchanged. */
  output = (stream: 'stdout' | 'stderr', data: Buffer): Promise<void> => {
    this.#last = this.#last.then(() => this.#write(stream, data))
    return this.#last
  }

  line(text: string): Promise<void> {
    return this.output('stdout', Buffer.from(`${text}\n`))
  }

  /** Writes a line unless it was written before. */
  async writeOnce(text: string): Promise<void> {
    if (this.#written.has(text)) return
    this.#written.add(text)
    await this.line(text)
  }

  /**
   * Reports the progress of an upload at every quarter, and every ten seconds on slow links. `settled` waits for the
   * last line.
   */
  progress(what: string, now: () => number = () => performance.now()) {
    const started = now()
    let reportedAt = started
    let reportedStep = 0
    let settled: Promise<void> = Promise.resolve()
    const onProgress = (sent: number, total: number) => {
      const steps = total < SMALL_BYTES ? 1 : PROGRESS_STEPS
      const step = total === 0 ? steps : Math.floor((sent / total) * steps)
      const time = now()
      if (step === reportedStep && time - reportedAt < PROGRESS_INTERVAL_MS) return
      reportedStep = step
      reportedAt = time
      const megabytesPerSecond = sent / 1e6 / Math.max((time - started) / 1000, 0.001)
      const percent = total === 0 ? 100 : Math.floor((sent / total) * 100)
      settled = this.line(
        `  ${what}: ${percent} % of ${(total / 1e6).toFixed(1)} MB, ${megabytesPerSecond.toFixed(1)} MB/s`,
      )
      // The error is thrown by `settled`; until then it must not end the process.
      settled.catch(() => undefined)
    }
    return { onProgress, settled: () => settled }
  }
}
