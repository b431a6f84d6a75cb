import { createHmac } from 'node:crypto'
import type { AuditEntry } from '@rollcall/contracts/admin'

/** The predecessor's hash in the first entry. */
export const GENESIS_HASH = '0'.repeat(64)
/** The predecessor's hash in an entry written after the log was lost; it never verifies. */
export const LOST_HASH = 'f'.repeat(64)

export type Unchained = Omit<AuditEntry, 'hash'>

/**
 * Returns the HMAC-SHA256 of an entry and the hash before it. Without the key, an entry cannot be forged, and removing
 * one invalidates all later ones.
 */
export function hashEntry(key: Buffer, before: string, entry: Unchained): string {
  const { seq, at, actor, from, action, request, outcome, code, detail } = entry
  const canonical = JSON.stringify([
    before,
    seq,
    at,
    actor && [actor.kind, actor.id, actor.name],
    from,
    action,
    request,
    outcome,
    code,
    canonicalize(detail),
  ])
  return createHmac('sha256', key).update(canonical).digest('hex')
}

/** Returns the seal that proves which entry is the last, and so reveals truncation. */
export const sealHead = (key: Buffer, seq: number, hash: string): string =>
  createHmac('sha256', key).update(`head ${seq} ${hash}`).digest('hex')

/** Sorts keys and drops undefined values, because the database keeps neither their order nor undefined. */
function canonicalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonicalize)
  if (value === null || typeof value !== 'object') return value
  const given = Object.entries(value).filter(([, each]) => each !== undefined)
  const entries = given.sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, each]) => [key, canonicalize(each)])
}

/** The number and hash of the newest entry. */
export interface Head {
  seq: number
  hash: string
}

export interface SealedHead extends Head {
  seal: string
}

export const isSealValid = (key: Buffer, { seq, hash, seal }: SealedHead): boolean =>
  seal === sealHead(key, seq, hash)

/**
 * Returns the head that the next entry follows: the newest of the given ones. A removed entry therefore leaves a gap.
 * Pure.
 */
export function newestHead(heads: readonly (Head | null)[]): Head {
  const known = heads.filter((head) => head !== null).toSorted((a, b) => b.seq - a.seq)
  return known[0] ?? { seq: 0, hash: LOST_HASH }
}

/** Verifies the chain from its beginning, a page at a time. */
export class ChainCheck {
  private before = GENESIS_HASH
  private last: number | null = null
  entries = 0
  broken: { seq: number; why: string } | null = null

  /** `outside` is a head known from outside the database. */
  constructor(
    private readonly key: Buffer,
    private readonly outside: Head | null = null,
  ) {}

  /** Checks the next entry. Returns false at the first fault; later entries need not be read. */
  add(entry: AuditEntry): boolean {
    // Logs of earlier releases have no entry 0 and begin with 1.
    const isFirst = this.last === null && entry.seq <= 1
    const expected = isFirst ? entry.seq : (this.last ?? -1) + 1
    if (entry.seq !== expected)
      return this.failAt(expected, `is missing: the next entry has number ${entry.seq}`)
    if (entry.hash !== hashEntry(this.key, this.before, entry))
      return isFirst && entry.seq === 1
        ? this.failAt(0, 'is missing: the log was emptied or its first entries were removed')
        : this.failAt(entry.seq, 'does not match the entry before it: it was edited, inserted or moved')
    if (entry.seq === this.outside?.seq && entry.hash !== this.outside.hash)
      return this.failAt(entry.seq, "differs from the copy in the server's data folder: the log was replaced")
    this.before = entry.hash
    this.last = entry.seq
    this.entries++
    return true
  }

  finish(head: SealedHead | null): void {
    if (this.broken) return
    const { last, outside } = this
    if (outside && outside.seq > (last ?? -1))
      this.failAt((last ?? -1) + 1, `to ${outside.seq} are missing, according to the server's data folder`)
    else if (last === null) this.failAt(0, 'is missing: the log is empty')
    else if (!head) this.failAt(last, 'exists, but the record of the last entry is missing')
    else if (!isSealValid(this.key, head))
      this.failAt(head.seq, 'is marked as the last entry with an invalid seal')
    else if (head.seq > last) this.failAt(last + 1, `to ${head.seq} are missing`)
    else if (head.hash !== this.before || head.seq < last)
      this.failAt(head.seq, 'is not the last entry that was written')
  }

  private failAt(seq: number, why: string): false {
    this.broken = { seq, why }
    return false
  }
}
