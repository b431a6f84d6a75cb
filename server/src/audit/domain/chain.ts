import { createHmac } from 'node:crypto'
import type { AuditEntry } from '@rollcall/contracts/admin'

/** The hash that the first entry follows. */
export const BEGINNING = '0'.repeat(64)
/** The hash that an entry follows if the log is gone: it never fits. */
export const LOST = 'f'.repeat(64)

export type Unchained = Omit<AuditEntry, 'hash'>

/**
 * HMAC-SHA256 over the hash before and the entry. Without the key nobody can make an entry that fits, and each holds on to all
 * before it: to take one out, all later ones would have to be made anew.
 */
export function hashOfEntry(key: Buffer, before: string, entry: Unchained): string {
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
    sorted(detail),
  ])
  return createHmac('sha256', key).update(canonical).digest('hex')
}

/** Says which entry was the last one, so that one notices when the end is missing. */
export const sealOfHead = (key: Buffer, seq: number, hash: string): string =>
  createHmac('sha256', key).update(`head ${seq} ${hash}`).digest('hex')

/** The database keeps no order of keys, and nothing that is undefined. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const given = Object.entries(value).filter(([, each]) => each !== undefined)
  const entries = given.sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, each]) => [key, sorted(each)])
}

/** The number and hash of the newest entry. */
export interface Head {
  seq: number
  hash: string
}

export interface SealedHead extends Head {
  seal: string
}

export const isSealed = (key: Buffer, { seq, hash, seal }: SealedHead): boolean =>
  seal === sealOfHead(key, seq, hash)

/**
 * Says what the next entry follows: the newest of what the database says, of what is there, and of what is known outside of it, so
 * that a gap stays where something was taken away. Pure.
 */
export function lastOf(heads: readonly (Head | null)[]): Head {
  const known = heads.filter((head) => head !== null).toSorted((a, b) => b.seq - a.seq)
  return known[0] ?? { seq: 0, hash: LOST }
}

/** Follows the chain from its beginning, a page at a time. */
export class ChainCheck {
  private before = BEGINNING
  private last: number | null = null
  entries = 0
  broken: { seq: number; why: string } | null = null

  /** `outside` is a head that is known from outside of the database. */
  constructor(
    private readonly key: Buffer,
    private readonly outside: Head | null = null,
  ) {}

  /** False when something is wrong: what follows need not be read. */
  add(entry: AuditEntry): boolean {
    // Logs that began before there was an entry 0 begin with 1, which then follows nothing.
    const isFirst = this.last === null && entry.seq <= 1
    const expected = isFirst ? entry.seq : (this.last ?? -1) + 1
    if (entry.seq !== expected)
      return this.breakAt(expected, `is missing: the next one there is has the number ${entry.seq}`)
    if (entry.hash !== hashOfEntry(this.key, this.before, entry))
      return isFirst && entry.seq === 1
        ? this.breakAt(0, 'is missing: the log was emptied, or its beginning was cut off')
        : this.breakAt(entry.seq, 'does not fit the one before: it was edited, put in, or moved')
    if (entry.seq === this.outside?.seq && entry.hash !== this.outside.hash)
      return this.breakAt(
        entry.seq,
        "is not the one that the server's data folder knows: the log was replaced",
      )
    this.before = entry.hash
    this.last = entry.seq
    this.entries++
    return true
  }

  finish(head: SealedHead | null): void {
    if (this.broken) return
    const { last, outside } = this
    if (outside && outside.seq > (last ?? -1))
      this.breakAt(
        (last ?? -1) + 1,
        `and all after it up to ${outside.seq} are missing: the server's data folder knows of them`,
      )
    else if (last === null) this.breakAt(0, 'is missing: the log is empty')
    else if (!head) this.breakAt(last, 'is there, and nothing says that it is the last one')
    else if (!isSealed(this.key, head))
      this.breakAt(head.seq, 'is said to be the last one by somebody without the key')
    else if (head.seq > last) this.breakAt(last + 1, `and all after it up to ${head.seq} are missing`)
    else if (head.hash !== this.before || head.seq < last)
      this.breakAt(head.seq, 'is not the one that was the last one')
  }

  private breakAt(seq: number, why: string): false {
    this.broken = { seq, why }
    return false
  }
}
