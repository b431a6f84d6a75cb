import { execFile, execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Log } from './log.ts'

const BATCH = 32
const REFILL_BELOW = 8

/** Both ends of a pipe, as file descriptors. */
export interface Pipe {
  readEnd: number
  writeEnd: number
}

/**
 * Pipes for the standard streams of programs. Node's own `stdio: 'pipe'` makes socket pairs, and a program whose standard
 * error is a socket cannot open /dev/stderr (ENXIO), which scripts do all the time. Node has no pipe(2), so named pipes are
 * made in advance, in batches, and lose their names when they are taken.
 */
export class Fifos {
  readonly #folder: string
  readonly #log: Log
  #ready: string[] = []
  #made = 0
  #isRefilling = false

  constructor(folder: string, log: Log) {
    this.#folder = folder
    this.#log = log
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#refill()
  }

  take(): Pipe {
    const path = this.#ready.pop() ?? this.#makeNow()
    if (this.#ready.length < REFILL_BELOW) this.#refill()
    // Open for both first: opening either end alone waits for the other.
    const both = openSync(path, constants.O_RDWR)
    try {
      const readEnd = openSync(path, constants.O_RDONLY)
      const writeEnd = openSync(path, constants.O_WRONLY)
      return { readEnd, writeEnd }
    } finally {
      closeSync(both)
      rmSync(path)
    }
  }

  #names(): string[] {
    return Array.from({ length: BATCH }, () => join(this.#folder, String(this.#made++)))
  }

  #makeNow(): string {
    const [first, ...others] = this.#names()
    execFileSync('mkfifo', ['-m', '600', first as string, ...others], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#ready.push(...others)
    return first as string
  }

  #refill(): void {
    if (this.#isRefilling) return
    this.#isRefilling = true
    const names = this.#names()
    execFile('mkfifo', ['-m', '600', ...names], (error) => {
      this.#isRefilling = false
      // The next `take` tries by itself and fails with the reason, at the command that needed it.
      if (error) this.#log.error('runner.fifos_failed', { error: error.message })
      else this.#ready.push(...names)
    })
  }
}

// One buffer for all: libuv fills it and calls back before it reads again.
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

/** Reads a descriptor to its end. `onData` must copy what it wants to keep. The descriptor is closed afterwards. */
export function readToEnd(fd: number, onData: (data: Buffer) => void, onEnd: () => void): void {
  const callback = (size: number, buffer: Uint8Array) => {
    onData((buffer as Buffer).subarray(0, size))
    return true
  }
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: { buffer: READ_BUFFER, callback },
  })
  // A read error ends a stream as its end does: there is nothing more to be had from it.
  socket.on('error', () => socket.destroy())
  socket.once('close', onEnd)
}
