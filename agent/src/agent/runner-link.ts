import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import { errorCode } from '../platform/files.ts'
import type { RunnerMessage } from '../spool/runner-messages.ts'

/** Sends messages to the runner through the FIFO. */
export class RunnerLink {
  #fd = -1

  constructor(private readonly path: string) {}

  /**
   * Sends a message, which stays in the FIFO until a runner reads it; systemd starts one if none runs. Throws `command.never_started`
   * or `agent.overloaded`, with outcome `unknown`, if no runner can receive it.
   */
  send(message: RunnerMessage): void {
    const line = `${JSON.stringify(message)}\n`
    try {
      this.#open()
      this.#write(line)
    } catch (error) {
      throw toSendError(error, message)
    }
  }

  #write(line: string): void {
    try {
      writeSync(this.#fd, line)
    } catch (error) {
      if (errorCode(error) !== 'EPIPE') throw error
      // The runner at the other end is gone; systemd holds the FIFO open for the next one.
      this.close()
      this.#open()
      writeSync(this.#fd, line)
    }
  }

  #open(): void {
    if (this.#fd >= 0) return
    this.#fd = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK)
    // Ends half a line that a killed predecessor may have left.
    writeSync(this.#fd, '\n')
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }
}

/** Converts the error of a write to a `RollcallError`. Returns any other error unchanged. */
function toSendError(error: unknown, { op }: RunnerMessage): Error {
  const code = errorCode(error)
  if (code === 'EAGAIN') {
    return new RollcallError(
      'agent.overloaded',
      'The runner on the host has not read its earlier messages yet; try again.',
      {
        outcome: 'unknown',
        cause: error,
      },
    )
  }
  if (code === 'ENXIO' || code === 'ENOENT' || code === 'EPIPE') {
    const message = `No runner is listening on the host (${op}); check rollcall-runner.socket there.`
    return new RollcallError('command.never_started', message, { outcome: 'unknown', cause: error })
  }
  return error as Error
}
