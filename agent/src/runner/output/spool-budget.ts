import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ifThere, unlessDiskFault } from '../../platform/files.ts'
import { commandIds } from '../../spool/command-view.ts'
import type { SpoolPaths } from '../../spool/spool-paths.ts'
import type { SpoolLimits } from '../../spool/spool-records.ts'

/** Why output is cut, in words for the marker. */
export type Cut =
  | 'this command has more unacknowledged output than the host keeps'
  | 'all commands together have more unacknowledged output than the host keeps'
  | 'the disk is full'
  | 'the disk is at fault'

/** Bytes between two checks of the free disk space. */
const CHECK_DISK_EVERY = 4 * 1024 * 1024
/** Minimum time between two recounts of the spool while output is cut, in milliseconds. */
const RECOUNT_EVERY_MS = 250
/** Granted bytes after which a recount may come sooner, so that a fast program whose output is fetched is not cut. */
const RECOUNT_AFTER = 1024 * 1024

/** Limits the bytes in the spool. It sums up grants and recounts the disk only at a limit, so the agent can unlink segments unannounced. */
export class SpoolBudget {
  readonly #paths: SpoolPaths
  readonly #nowMs: () => number
  readonly #used = new Map<string, number>()
  #total = 0
  #granted = Number.POSITIVE_INFINITY
  #free = 0
  #recountedMs = Number.NEGATIVE_INFINITY
  #sinceRecount = 0

  constructor(paths: SpoolPaths, nowMs: () => number) {
    this.#paths = paths
    this.#nowMs = nowMs
    this.#recount()
  }

  /** Grants `bytes` more to a command. Returns null, or why they must be cut. */
  grant(id: string, bytes: number, limits: SpoolLimits): Cut | null {
    return unlessDiskFault<Cut | null>(
      () => this.#grant(id, bytes, limits),
      () => 'the disk is at fault',
    )
  }

  #grant(id: string, bytes: number, limits: SpoolLimits): Cut | null {
    const cut = this.#check(id, bytes, limits)
    if (cut === null) {
      this.#add(id, bytes)
      return null
    }
    const isRecent = this.#nowMs() - this.#recountedMs < RECOUNT_EVERY_MS
    if (isRecent && this.#sinceRecount < RECOUNT_AFTER) return cut
    this.#recount()
    const still = this.#check(id, bytes, limits)
    if (still === null) this.#add(id, bytes)
    return still
  }

  /** Drops the count of a command that has ended. */
  forget(id: string): void {
    this.#used.delete(id)
  }

  #check(id: string, bytes: number, limits: SpoolLimits): Cut | null {
    if ((this.#used.get(id) ?? 0) + bytes > limits.spool_bytes_per_command) {
      return 'this command has more unacknowledged output than the host keeps'
    }
    if (this.#total + bytes > limits.spool_bytes_total) {
      return 'all commands together have more unacknowledged output than the host keeps'
    }
    if (this.#granted + bytes > CHECK_DISK_EVERY) {
      const { bavail, bsize } = statfsSync(this.#paths.commands)
      this.#free = bavail * bsize
      this.#granted = 0
    }
    const left = this.#free - this.#granted - bytes
    return left < limits.spool_bytes_left_free ? 'the disk is full' : null
  }

  #add(id: string, bytes: number): void {
    this.#used.set(id, (this.#used.get(id) ?? 0) + bytes)
    this.#total += bytes
    this.#granted += bytes
    this.#sinceRecount += bytes
  }

  #recount(): void {
    this.#recountedMs = this.#nowMs()
    this.#sinceRecount = 0
    this.#granted = Number.POSITIVE_INFINITY
    this.#total = 0
    this.#used.clear()
    for (const id of commandIds(this.#paths)) {
      const size = folderSize(this.#paths.command(id).folder)
      this.#used.set(id, size)
      this.#total += size
    }
  }
}

function folderSize(folder: string): number {
  let size = 0
  // The agent removes folders at any time.
  for (const name of ifThere(() => readdirSync(folder)) ?? []) {
    if (/^(log|index)\.\d+$/.test(name))
      size += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return size
}
