import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { type FinalStatus, finalStatus } from '@rollcall/contracts/agent'
import { errorCode, syncFolder } from '../platform/files.ts'

/** Stands for the parameters of a command that was taken back: whatever is asked under its id, it never starts. */
export const WITHDRAWN = 'withdrawn'
/** The same for a command whose parameters could no longer be read when it was released. */
export const UNREADABLE = 'unreadable'

/** What stays known of a command that the server has released, or taken back before it came. */
export interface Tombstone {
  /** Of the parameters, or `WITHDRAWN` or `UNREADABLE`. */
  hash: string
  status: FinalStatus
  releasedAtMs: number
}

const KEPT_MS = 24 * 3600 * 1000
const PRUNE_EVERY_MS = 3600 * 1000
const MAX_TOMBSTONES = 100_000

/**
 * Remembers released ids for a day, so that a duplicate of `execute_command` that arrives late never starts a second
 * program. Each is a symbolic link whose target is the record: created whole or not at all, and short enough to live in
 * its inode without a block of its own.
 */
export class ReleasedCommands {
  readonly #folder: string
  readonly #now: () => number
  #prunedAtMs = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(folder: string, now: () => number) {
    this.#folder = folder
    this.#now = now
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  find(id: string): Tombstone | null {
    const path = `${this.#folder}/${id}`
    // Nearly none that is asked for is there, and an error with its stack costs more than this question.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return null
    try {
      return parseTombstone(readlinkSync(path))
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    }
  }

  /** On the disk when it resolves, so that the command's folder may go. Adding the same id again changes nothing. */
  async add(id: string, hash: string, status: FinalStatus): Promise<void> {
    if (this.#now() - this.#prunedAtMs >= PRUNE_EVERY_MS) this.#prune()
    if (this.#count >= MAX_TOMBSTONES) {
      throw new RollcallError(
        'agent.overloaded',
        'Too many commands were released within a day; try this one later.',
      )
    }
    try {
      symlinkSync(`${hash}.${status}.${this.#now()}`, join(this.#folder, id))
      this.#count++
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
    await syncFolder(this.#folder)
  }

  #prune(): void {
    const oldest = this.#now() - KEPT_MS
    const ids = readdirSync(this.#folder)
    this.#count = ids.length
    for (const id of ids) {
      const tombstone = this.find(id)
      if (tombstone !== null && tombstone.releasedAtMs > oldest) continue
      rmSync(join(this.#folder, id), { force: true })
      this.#count--
    }
    this.#prunedAtMs = this.#now()
  }
}

export function parseTombstone(target: string): Tombstone | null {
  const [hash, status, at] = target.split('.')
  const parsed = finalStatus.safeParse(status)
  const releasedAtMs = Number(at)
  if (!hash || !parsed.success || !Number.isSafeInteger(releasedAtMs)) return null
  return { hash, status: parsed.data, releasedAtMs }
}
