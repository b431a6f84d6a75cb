import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import { errorCode } from '../platform/files.ts'
import type { RunnerOrder } from './runner-orders.ts'

/** The agent's end of the FIFO to the runner. */
export class RunnerLink {
  readonly #path: string
  #fd = -1

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Hands one order over; it waits in the FIFO until a runner reads it, and systemd starts one if none runs.
   * Throws `command.never_started` or `agent.overloaded`, with outcome `unknown`, when nobody listens.
   */
  tell(order: RunnerOrder): void {
    const line = `${JSON.stringify(order)}\n`
    try {
      this.#open()
      this.#write(line)
    } catch (error) {
      throw this.#explain(error, order)
    }
  }

  #write(line: string): void {
    try {
      writeSync(this.#fd, line)
    } catch (error) {
      if (errorCode(error) !== 'EPIPE') throw error
      // The runner that had the other end is gone; open anew, since systemd holds the FIFO open for the next one.
      this.close()
      this.#open()
      writeSync(this.#fd, line)
    }
  }

  #open(): void {
    if (this.#fd >= 0) return
    this.#fd = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK)
    // A predecessor that was killed may have left half a line: end it, so that ours stands alone.
    writeSync(this.#fd, '\n')
  }

  #explain(error: unknown, order: RunnerOrder): Error {
    const code = errorCode(error)
    if (code === 'EAGAIN') {
      return new RollcallError(
        'agent.overloaded',
        'The runner on the host is behind with its orders; try again.',
        {
          outcome: 'unknown',
          cause: error,
        },
      )
    }
    if (code === 'ENXIO' || code === 'ENOENT' || code === 'EPIPE') {
      const message = `No runner takes orders on the host (${order.op}); look at rollcall-runner.socket there.`
      return new RollcallError('command.never_started', message, { outcome: 'unknown', cause: error })
    }
    return error as Error
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }
}
