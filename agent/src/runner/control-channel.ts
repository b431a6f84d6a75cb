import { execFileSync } from 'node:child_process'
import { constants, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { PIPE_BUF, parseOrder, type RunnerOrder } from '../commands/runner-orders.ts'
import type { Log } from '../platform/log.ts'
import { StartError } from '../start-error.ts'

/** systemd hands over the FIFO of `rollcall-runner.socket` as this descriptor. */
const FIRST_PASSED_FD = 3

/** The FIFO's descriptor: systemd's when it started us, else the file itself, made when it is not there. */
export function openControlFifo(path: string, env: NodeJS.ProcessEnv, pid: number): number {
  if (env.LISTEN_PID === String(pid) && env.LISTEN_FDS === '1') return FIRST_PASSED_FD
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) execFileSync('mkfifo', ['-m', '600', path])
  else if (!stat.isFIFO()) throw new StartError(`${path}: is not a FIFO`)
  // For both: so that it never comes to its end when the agent closes it.
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

/** Splits bytes into lines of at most `PIPE_BUF`; a longer one is nobody's order and is left out. */
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

export function readOrders(fd: number, log: Log, obey: (order: RunnerOrder) => void): void {
  const socket = new Socket({ fd, readable: true, writable: false })
  const splitter = new LineSplitter()
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    for (const line of splitter.push(text)) {
      const order = parseOrder(line)
      if (order === null) log.error('runner.order_unreadable', { length: line.length })
      else obey(order)
    }
  })
}
