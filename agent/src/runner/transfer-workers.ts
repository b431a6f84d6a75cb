import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import type { TransferResult } from '@rollcall/contracts/agent'
import type { Clock } from '../platform/clock.ts'
import { replaceFile, unlessDiskFault } from '../platform/files.ts'
import { helperEnvironment } from '../platform/helper-environment.ts'
import type { Log } from '../platform/log.ts'
import { identify, isAlive, readIdentity } from '../platform/processes.ts'
import { transferIds, transferPaths } from '../spool/transfer-paths.ts'
import { removePart } from '../worker/part-file.ts'
import { withDefaultPriorities } from './spawn-defaults.ts'

const MAX_WORKERS = 4
/** Crashes of a transfer's workers after which it fails. */
const MAX_CRASHES = 3
const WORKER = fileURLToPath(new URL('transfer.mjs', import.meta.url))
const WORKER_FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=256', '--v8-pool-size=1']

interface Parts {
  /** The folder of all transfers. */
  folder: string
  clock: Clock
  log: Log
  /** Called whenever work begins or ends. */
  onBusyChange(): void
}

/** Runs a worker process for each transfer that has work, `MAX_WORKERS` at a time, and removes ended transfers. */
export class TransferWorkers {
  readonly #workers = new Map<string, ChildProcess>()
  readonly #queue = new Set<string>()
  readonly #crashes = new Map<string, number>()
  /** Transfers with a message during the run of their worker, which may have been about to exit. */
  readonly #notified = new Set<string>()
  #waiting = 0
  #isStopped = false

  constructor(private readonly parts: Parts) {}

  get isBusy(): boolean {
    return this.#workers.size + this.#queue.size + this.#waiting > 0
  }

  /** Inspects every transfer in the spool. */
  scan(): void {
    for (const id of transferIds(this.parts.folder)) this.inspect(id)
  }

  /** Starts, or removes, a transfer as its records demand. */
  inspect(id: string): void {
    if (this.#isStopped) return
    const paths = transferPaths(this.parts.folder, id)
    if (existsSync(paths.ended)) return void this.#remove(id)
    if (this.#workers.has(id)) return void this.#notified.add(id)
    if (existsSync(paths.result) || !existsSync(paths.order)) return
    this.#queue.add(id)
    this.#startQueued()
  }

  /** Kills all workers. The next runner resumes their transfers. */
  stop(): void {
    this.#isStopped = true
    this.#queue.clear()
    for (const worker of this.#workers.values()) worker.kill('SIGKILL')
  }

  #startQueued(): void {
    for (const id of this.#queue) {
      if (this.#workers.size >= MAX_WORKERS) break
      this.#queue.delete(id)
      this.#start(id)
    }
    this.parts.onBusyChange()
  }

  #start(id: string): void {
    const { folder } = transferPaths(this.parts.folder, id)
    if (!this.#isFree(id, folder)) return
    const argv = [...WORKER_FLAGS, WORKER, folder]
    // The worker exits when this pipe closes, that is when the runner dies.
    const stdio = ['pipe', 'ignore', 'inherit'] as ['pipe', 'ignore', 'inherit']
    const env = helperEnvironment()
    const worker = withDefaultPriorities(() => spawn(process.execPath, argv, { stdio, env, cwd: '/' }))
    this.#workers.set(id, worker)
    if (worker.pid !== undefined) this.#recordWorker(folder, worker.pid)
    worker.stdin?.on('error', () => undefined) // it has exited, which is handled below
    worker.once('error', (error) =>
      this.parts.log.error('transfer.not_started', { id, error: error.message }),
    )
    worker.once('close', (code) => this.#handleExit(id, code))
  }

  /** Kills the worker of a dead runner, which must be gone before another one writes its file. Returns whether there is none. */
  #isFree(id: string, folder: string): boolean {
    const other = readIdentity(join(folder, 'worker.json'))
    if (other === null || !isAlive(other)) return true
    process.kill(other.pid, 'SIGKILL')
    this.#retryLater(() => this.inspect(id))
    return false
  }

  #recordWorker(folder: string, pid: number): void {
    unlessDiskFault(
      () => replaceFile(join(folder, 'worker.json'), JSON.stringify(identify(pid))),
      (error) => this.parts.log.error('transfer.worker_not_noted', { error }),
    )
  }

  #handleExit(id: string, code: number | null): void {
    this.#workers.delete(id)
    const isNotified = this.#notified.delete(id)
    const paths = transferPaths(this.parts.folder, id)
    if (existsSync(paths.ended)) this.#remove(id)
    else if (code !== 0 && !this.#isStopped && !existsSync(paths.result)) this.#handleCrash(id)
    else {
      this.#crashes.delete(id)
      if (isNotified) this.inspect(id)
    }
    this.#startQueued()
  }

  #handleCrash(id: string): void {
    const crashes = (this.#crashes.get(id) ?? 0) + 1
    this.parts.log.error('transfer.worker_died', { id, crashes })
    this.#crashes.set(id, crashes)
    if (crashes < MAX_CRASHES) return void this.inspect(id)
    this.#crashes.delete(id)
    const message =
      'The process that writes the files crashed three times; see the journal of rollcall-runner. Send it again.'
    const result: TransferResult = {
      error: { code: 'file.worker_died', message },
      files_written: 0,
      files_unchanged: 0,
    }
    this.#fail(id, result)
  }

  #fail(id: string, result: TransferResult): void {
    const paths = transferPaths(this.parts.folder, id)
    unlessDiskFault(
      () => {
        removePart(paths.part)
        replaceFile(paths.result, JSON.stringify(result))
      },
      () => this.#retryLater(() => this.#fail(id, result)),
    )
  }

  #remove(id: string): void {
    this.#queue.delete(id)
    this.#crashes.delete(id)
    const worker = this.#workers.get(id)
    // Removed once the worker has exited.
    if (worker !== undefined) return void worker.kill('SIGKILL')
    const { folder, part } = transferPaths(this.parts.folder, id)
    unlessDiskFault(
      () => {
        removePart(part)
        rmSync(folder, { recursive: true, force: true })
      },
      (error) => this.parts.log.error('transfer.folder_stays', { id, error }),
    )
  }

  #retryLater(action: () => void): void {
    this.#waiting++
    this.parts.clock.after(retryDelayMs(RETRY_POLICIES.transferSpool, 1, 1), () => {
      this.#waiting--
      action()
      this.parts.onBusyChange()
    })
  }
}
