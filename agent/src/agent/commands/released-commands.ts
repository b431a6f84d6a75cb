import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { type FinalStatus, finalStatus } from '@rollcall/contracts/agent'
import { ifThere, syncFolder, unlessCode } from '../../platform/files.ts'

/** Replaces the hash of a withdrawn command: it matches all parameters, and nothing starts under its id. */
export const WITHDRAWN = 'withdrawn'
/** Replaces the hash of a command whose parameters were unreadable when it was released. */
export const UNREADABLE = 'unreadable'

/** The record of a command that was released, or withdrawn before it arrived. */
export interface Tombstone {
  /** Hash of the parameters, or `WITHDRAWN` or `UNREADABLE`. */
  hash: string
  status: FinalStatus
  releasedAtMs: number
}

const KEPT_MS = 24 * 3600 * 1000
const PRUNE_EVERY_MS = 3600 * 1000
const MAX_TOMBSTONES = 100_000

/**
 * Remembers released ids for a day, so that a late duplicate of `execute_command` never starts a second program. Each is a symbolic
 * link whose target is the record: created atomically, and stored in its inode.
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

  /** Returns the tombstone of an id, or null if there is none. */
  find(id: string): Tombstone | null {
    const path = `${this.#folder}/${id}`
    // Almost no id has one, and an error with its stack costs more than lstat(2).
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return null
    const target = ifThere(() => readlinkSync(path))
    return target === null ? null : parseTombstone(target)
  }

  /** Adds a tombstone durably; a second one for the same id changes nothing. Throws `agent.overloaded` beyond the maximum. */
  async add(id: string, hash: string, status: FinalStatus): Promise<void> {
    if (this.#now() - this.#prunedAtMs >= PRUNE_EVERY_MS) this.#prune()
    if (this.#count >= MAX_TOMBSTONES) {
      throw new RollcallError(
        'agent.overloaded',
        'Too many commands were released within a day; try this one later.',
      )
    }
    unlessCode(['EEXIST'], () => {
      symlinkSync(`${hash}.${status}.${this.#now()}`, join(this.#folder, id))
      this.#count++
    })
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

/** Parses the target of a tombstone's link. Returns null if it is malformed. */
export function parseTombstone(target: string): Tombstone | null {
  const [hash, status, at] = target.split('.')
  const parsed = finalStatus.safeParse(status)
  const releasedAtMs = Number(at)
  if (!hash || !parsed.success || !Number.isSafeInteger(releasedAtMs)) return null
  return { hash, status: parsed.data, releasedAtMs }
}
