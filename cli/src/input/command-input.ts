import { MAX_INPUT_BYTES } from '@rollcall/contracts/agent/commands'
import { ApiError } from '@rollcall/contracts/client'
import type { Client } from '../api/client.ts'
import { retrying } from '../api/retry.ts'

/** Above this many waiting bytes the writer has to wait. */
const HIGH_WATER_BYTES = 256 * 1024

interface Settings {
  api: Client
  /** How long a piece is retried while the host or the server cannot take it, in milliseconds. */
  giveUpAfterMs: number
  onFailure(error: unknown): void
}

/** The standard input of one command: bytes in order and each once, however often a piece is retried. */
export class CommandInput {
  private readonly closing = new AbortController()
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private offset = 0
  private isStarted = false
  private hasEnd = false
  private sending: Promise<void> | undefined
  private onRoom: (() => void)[] = []

  constructor(
    private readonly commandId: string,
    private readonly settings: Settings,
  ) {}

  /** Begins to send: the command runs and can take input. */
  start(): void {
    this.isStarted = true
    this.send()
  }

  /** Drops what was not sent: the command has ended. */
  close(): void {
    this.closing.abort()
    this.waiting = []
    this.waitingBytes = 0
    this.releaseWriters()
  }

  /** Queues data. Resolves when there is room for more. */
  push(data: Buffer): Promise<void> {
    if (this.closing.signal.aborted) return Promise.resolve()
    this.waiting.push(data)
    this.waitingBytes += data.length
    this.send()
    if (this.waitingBytes < HIGH_WATER_BYTES) return Promise.resolve()
    return new Promise((resolve) => void this.onRoom.push(resolve))
  }

  end(): void {
    this.hasEnd = true
    this.send()
  }

  private send(): void {
    if (!this.isStarted || this.sending) return
    this.sending = this.sendAll()
      .catch((error) => {
        if (this.closing.signal.aborted) return
        this.close()
        // It has just ended, which the live connection reports.
        if (!(error instanceof ApiError && error.code === 'command.not_running'))
          this.settings.onFailure(error)
      })
      .finally(() => {
        this.sending = undefined
      })
  }

  private async sendAll(): Promise<void> {
    const { api, giveUpAfterMs } = this.settings
    const signal = this.closing.signal
    while (!signal.aborted && (this.waitingBytes > 0 || this.hasEnd)) {
      const data = this.take()
      const eof = this.hasEnd && this.waitingBytes === 0
      const body = { offset: this.offset, data: data.toString('base64'), eof }
      await retrying(() => api.call('writeInput', { params: { id: this.commandId }, body }), {
        forMs: giveUpAfterMs,
        signal,
      })
      this.offset += data.length
      this.releaseWriters()
      if (eof) return this.close()
    }
  }

  private take(): Buffer {
    const all = Buffer.concat(this.waiting)
    const data = all.subarray(0, MAX_INPUT_BYTES)
    const rest = all.subarray(data.length)
    this.waiting = rest.length > 0 ? [rest] : []
    this.waitingBytes = rest.length
    return data
  }

  private releaseWriters(): void {
    if (this.waitingBytes >= HIGH_WATER_BYTES) return
    for (const resolve of this.onRoom.splice(0)) resolve()
  }
}

/** Sends the same bytes to every command, at the pace of the slowest, and then the end of input. */
export async function forward(source: AsyncIterable<Buffer>, inputs: readonly CommandInput[]): Promise<void> {
  for await (const chunk of source) await Promise.all(inputs.map((input) => input.push(chunk)))
  for (const input of inputs) input.end()
}
