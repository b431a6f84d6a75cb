import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RollcallError } from '@rollcall/contracts'
import type { TransferResult } from '@rollcall/contracts/agent'
import type { Clock } from '../platform/clock.ts'
import { errorCode, isDiskFault, readIfThere, replaceFile } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { identify, isAlive, type ProcessIdentity } from '../platform/processes.ts'
import { withDefaultPriorities } from '../platform/spawn-defaults.ts'
import { workerEnvironment } from '../runner/child-environment.ts'
import { removePart } from './put-file.ts'
import { transferIds, transferPaths } from './transfer-paths.ts'

const MAX_WORKERS = 4
/** Workers of one transfer that may die before it counts as failed. */
const MAX_DEATHS = 3
const RETRY_MS = 200
const WORKER = fileURLToPath(new URL('transfer.mjs', import.meta.url))
const WORKER_FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=256', '--v8-pool-size=1']

interface Parts {
  /** The folder of all transfers. */
  folder: string
  clock: Clock
  log: Log
  /** Told whenever work begins or ends. */
  onBusyChange(): void
}

/** The runner's part in transfers: starts a process for each that has something to do, some at a time, and clears up after those that nobody wants. */
export class FileJobs {
  readonly #parts: Parts
  readonly #workers = new Map<string, ChildProcess>()
  readonly #queue = new Set<string>()
  readonly #deaths = new Map<string, number>()
  /** Of which something new was told while their worker ran: it may have been about to leave. */
  readonly #toldAgain = new Set<string>()
  #waiting = 0
  #isStopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get isBusy(): boolean {
    return this.#workers.size + this.#queue.size + this.#waiting > 0
  }

  /** Takes up what a runner before this one has left. */
  scan(): void {
    for (const id of transferIds(this.#parts.folder)) this.look(id)
  }

  /** The spool says what is to be done about a transfer. */
  look(id: string): void {
    if (this.#isStopped) return
    const paths = transferPaths(this.#parts.folder, id)
    if (existsSync(paths.ended)) {
      this.#forget(id)
      return
    }
    if (this.#workers.has(id)) {
      this.#toldAgain.add(id)
      return
    }
    if (existsSync(paths.result) || !existsSync(paths.order)) return
    this.#queue.add(id)
    this.#fill()
  }

  /** For a runner that is being stopped. Transfers go on with the next one. */
  stop(): void {
    this.#isStopped = true
    this.#queue.clear()
    for (const worker of this.#workers.values()) worker.kill('SIGKILL')
  }

  #fill(): void {
    for (const id of this.#queue) {
      if (this.#workers.size >= MAX_WORKERS) break
      this.#queue.delete(id)
      this.#start(id)
    }
    this.#parts.onBusyChange()
  }

  #start(id: string): void {
    const { folder } = transferPaths(this.#parts.folder, id)
    if (!this.#isFree(id, folder)) return
    const argv = [...WORKER_FLAGS, WORKER, folder]
    // Its input is the sign that this process lives.
    const stdio = ['pipe', 'ignore', 'inherit'] as ['pipe', 'ignore', 'inherit']
    const env = workerEnvironment()
    const worker = withDefaultPriorities(() => spawn(process.execPath, argv, { stdio, env, cwd: '/' }))
    this.#workers.set(id, worker)
    if (worker.pid !== undefined) this.#note(folder, worker.pid)
    worker.stdin?.on('error', () => undefined) // it ended; its exit is told below
    worker.once('error', (error) =>
      this.#parts.log.error('transfer.not_started', { id, error: error.message }),
    )
    worker.once('close', (code) => this.#ended(id, code))
  }

  /** A worker of a runner that died is on its way out: it must be gone before another is at its file. */
  #isFree(id: string, folder: string): boolean {
    const text = readIfThere(join(folder, 'worker.json'))
    const other = text === null || text === '' ? null : (JSON.parse(text) as ProcessIdentity)
    if (other === null || !isAlive(other)) return true
    process.kill(other.pid, 'SIGKILL')
    this.#later(() => this.look(id))
    return false
  }

  #note(folder: string, pid: number): void {
    try {
      replaceFile(join(folder, 'worker.json'), JSON.stringify(identify(pid)))
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('transfer.worker_not_noted', { error: errorCode(error) })
    }
  }

  #ended(id: string, code: number | null): void {
    this.#workers.delete(id)
    const isToldAgain = this.#toldAgain.delete(id)
    const paths = transferPaths(this.#parts.folder, id)
    if (existsSync(paths.ended)) this.#forget(id)
    else if (code !== 0 && !this.#isStopped && !existsSync(paths.result)) this.#died(id)
    else {
      this.#deaths.delete(id)
      if (isToldAgain) this.look(id)
    }
    this.#fill()
  }

  #died(id: string): void {
    const deaths = (this.#deaths.get(id) ?? 0) + 1
    this.#parts.log.error('transfer.worker_died', { id, deaths })
    this.#deaths.set(id, deaths)
    if (deaths < MAX_DEATHS) {
      this.look(id)
      return
    }
    this.#deaths.delete(id)
    const message =
      'The process that placed the files died three times; the journal of rollcall-runner says more. Send it again.'
    const result: TransferResult = {
      error: { code: 'file.worker_died', message },
      files_written: 0,
      files_unchanged: 0,
    }
    this.#giveUp(id, result)
  }

  #giveUp(id: string, result: TransferResult): void {
    const paths = transferPaths(this.#parts.folder, id)
    try {
      this.#removePart(paths.part)
      replaceFile(paths.result, JSON.stringify(result))
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#later(() => this.#giveUp(id, result))
    }
  }

  #forget(id: string): void {
    this.#queue.delete(id)
    this.#deaths.delete(id)
    const worker = this.#workers.get(id)
    // Comes back here when it is gone.
    if (worker !== undefined) {
      worker.kill('SIGKILL')
      return
    }
    const { folder, part } = transferPaths(this.#parts.folder, id)
    try {
      this.#removePart(part)
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#parts.log.error('transfer.folder_stays', { id, error: errorCode(error) })
    }
  }

  #removePart(link: string): void {
    try {
      removePart(readlinkSync(link))
    } catch (error) {
      // Without a record nothing was begun, and where its folder is gone or was exchanged there is nothing of ours.
      if (errorCode(error) !== 'ENOENT' && !(error instanceof RollcallError)) throw error
    }
  }

  #later(action: () => void): void {
    this.#waiting++
    this.#parts.clock.after(RETRY_MS, () => {
      this.#waiting--
      action()
      this.#parts.onBusyChange()
    })
  }
}
