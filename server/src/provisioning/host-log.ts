import type { ProvisioningPorts } from './install-ports.ts'

const PROGRESS_STEPS = 4
/** Below this, the end is all there is to say. */
const SMALL_BYTES = 8_000_000
const PROGRESS_SILENCE_MS = 10_000

/** Writes our own lines into the log of an installation, in order with what programs print there. */
export class HostLog {
  readonly #write: ProvisioningPorts['log']
  #last: Promise<void> = Promise.resolve()
  readonly #said = new Set<string>()

  constructor(write: ProvisioningPorts['log']) {
    this.#write = write
  }

  /** Output of a program, as it came. */
  output = (stream: 'stdout' | 'stderr', data: Buffer): Promise<void> => {
    this.#last = this.#last.then(() => this.#write(stream, data))
    return this.#last
  }

  line(text: string): Promise<void> {
    return this.output('stdout', Buffer.from(`${text}\n`))
  }

  /** Writes a line that was not written before. */
  async once(text: string): Promise<void> {
    if (this.#said.has(text)) return
    this.#said.add(text)
    await this.line(text)
  }

  /** Reports an upload: at every quarter, and on slow links every ten seconds. `settled` waits for the last line. */
  progress(what: string, now: () => number = () => performance.now()) {
    const started = now()
    let spokenAt = started
    let spokenStep = 0
    let settled: Promise<void> = Promise.resolve()
    const onProgress = (sent: number, total: number) => {
      const steps = total < SMALL_BYTES ? 1 : PROGRESS_STEPS
      const step = total === 0 ? steps : Math.floor((sent / total) * steps)
      const time = now()
      if (step === spokenStep && time - spokenAt < PROGRESS_SILENCE_MS) return
      spokenStep = step
      spokenAt = time
      const megabytesPerSecond = sent / 1e6 / Math.max((time - started) / 1000, 0.001)
      const percent = total === 0 ? 100 : Math.floor((sent / total) * 100)
      settled = this.line(
        `  ${what}: ${percent} % of ${(total / 1e6).toFixed(1)} MB, ${megabytesPerSecond.toFixed(1)} MB/s`,
      )
      // Awaited through `settled`; a log that fails in the meantime must not end the process.
      settled.catch(() => undefined)
    }
    return { onProgress, settled: () => settled }
  }
}
