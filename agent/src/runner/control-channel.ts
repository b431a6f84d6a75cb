import { execFileSync } from 'node:child_process'
import { constants, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Log } from '../platform/log.ts'
import { StartError } from '../platform/start-error.ts'
import { PIPE_BUF, parseMessage, type RunnerMessage } from '../spool/runner-messages.ts'

/** The descriptor by which systemd passes the FIFO of `rollcall-runner.socket`. */
const FIRST_PASSED_FD = 3

/** Opens the FIFO: systemd's descriptor if it passed one, else the file, created if missing. Throws `StartError` if it is no FIFO. */
export function openControlFifo(path: string, env: NodeJS.ProcessEnv, pid: number): number {
  if (env.LISTEN_PID === String(pid) && env.LISTEN_FDS === '1') return FIRST_PASSED_FD
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) execFileSync('mkfifo', ['-m', '600', path])
  else if (!stat.isFIFO()) throw new StartError(`${path}: is not a FIFO`)
  // Opened for both, so that it does not reach its end when the agent closes it.
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

/** Splits text into lines of at most `PIPE_BUF` characters. Longer ones, which no agent sends, are dropped. */
export class LineSplitter {
  #rest = ''
  #isOverlong = false

  push(text: string): string[] {
    const pieces = (this.#rest + text).split('\n')
    this.#rest = pieces.pop() ?? ''
    const lines = this.#isOverlong ? pieces.slice(1) : pieces
    if (pieces.length > 0) this.#isOverlong = false
    if (this.#rest.length > PIPE_BUF) {
      this.#rest = ''
      this.#isOverlong = true
    }
    return lines.filter((line) => line !== '' && line.length <= PIPE_BUF)
  }
}

/** Passes each message of the FIFO to `handle`; unreadable ones are logged. */
export function readMessages(fd: number, log: Log, handle: (message: RunnerMessage) => void): void {
  const socket = new Socket({ fd, readable: true, writable: false })
  const splitter = new LineSplitter()
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    for (const line of splitter.push(text)) {
      const message = parseMessage(line)
      if (message === null) log.error('runner.message_unreadable', { length: line.length })
      else handle(message)
    }
  })
}
