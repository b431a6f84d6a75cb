import { readFile } from 'node:fs/promises'

const INTERVAL_MS = 200

/** Samples how much memory of one process of this machine is resident. MB are 10⁶ bytes. */
export class MemoryWatch {
  lastMb = 0
  samples = 0
  #peakMb = 0
  #timer: NodeJS.Timeout | undefined
  readonly #pid: number

  private constructor(pid: number) {
    this.#pid = pid
  }

  static async start(pid: number): Promise<MemoryWatch> {
    const watch = new MemoryWatch(pid)
    await watch.#sample()
    // A process that is gone has no more memory to sample; whoever runs it notices that by itself.
    watch.#timer = setInterval(() => watch.#sample().catch(() => clearInterval(watch.#timer)), INTERVAL_MS)
    return watch
  }

  /** Ends it and returns the highest sample. */
  async stop(): Promise<number> {
    clearInterval(this.#timer)
    await this.#sample()
    return this.#peakMb
  }

  async #sample(): Promise<void> {
    this.lastMb = fieldMb(await readFile(`/proc/${this.#pid}/status`, 'utf8'), 'VmRSS')
    this.#peakMb = Math.max(this.#peakMb, this.lastMb)
    this.samples++
  }
}

/** A field that /proc tells in kB (of 1024 bytes), in MB of 10⁶ bytes. */
export function fieldMb(text: string, field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  if (kib === undefined) throw new Error(`there is no ${field} in:\n${text}`)
  return (Number(kib) * 1024) / 1e6
}
