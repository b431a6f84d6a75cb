import { execFile, execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Log } from '../platform/log.ts'

const BATCH = 32
const REFILL_BELOW = 8

/** The file descriptors of a pipe. */
export interface Pipe {
  readEnd: number
  writeEnd: number
}

/**
 * Supplies pipes for the standard streams of programs: Node's `stdio: 'pipe'` makes sockets, on which opening /dev/stderr fails
 * (ENXIO). Node has no pipe(2), so named pipes are made in batches ahead of time and unlinked when they are taken.
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

  /** Returns a new pipe. Throws if none can be made. */
  take(): Pipe {
    const path = this.#ready.pop() ?? this.#makeNow()
    if (this.#ready.length < REFILL_BELOW) this.#refill()
    // Opened for both first: opening either end alone blocks until the other is open.
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
      // The next `take` makes its own and fails with the reason, at the command that needs it.
      if (error) this.#log.error('runner.fifos_failed', { error: error.message })
      else this.#ready.push(...names)
    })
  }
}

// Shared by all: libuv fills it and calls back before it reads again.
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

/** Reads a descriptor to its end and closes it. `onData` must copy what it keeps. */
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
  // A read error ends the stream: nothing more can be read.
  socket.on('error', () => socket.destroy())
  socket.once('close', onEnd)
}
