import { createHmac } from 'node:crypto'
import type { AuditEntry } from '@rollcall/contracts/admin'

/** What the first entry follows. */
export const BEGINNING = '0'.repeat(64)

export type Unchained = Omit<AuditEntry, 'hash'>

/**
 * HMAC-SHA256 over the hash before and the entry. Without the key nobody can make an entry that fits, and each holds on to all
 * before it: to take one out, all later ones would have to be made anew.
 */
export function hashOfEntry(key: Buffer, before: string, entry: Unchained): string {
  const { seq, at, actor, from, action, request, outcome, code, detail } = entry
  const canonical = JSON.stringify([
    ...[before, seq, at, actor && [actor.kind, actor.id, actor.name], from, action, request, outcome, code],
    sorted(detail),
  ])
  return createHmac('sha256', key).update(canonical).digest('hex')
}

/** Says which entry was the last one, so that one notices when the end is missing. */
export const sealOfHead = (key: Buffer, seq: number, hash: string): string =>
  createHmac('sha256', key).update(`head ${seq} ${hash}`).digest('hex')

/** The database keeps no order of keys. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, each]) => [key, sorted(each)])
}

export interface Head {
  seq: number
  hash: string
  seal: string
}

/** Follows the chain from its beginning, a page at a time. */
export class ChainCheck {
  private before = BEGINNING
  entries = 0
  broken: { seq: number; why: string } | null = null

  constructor(private readonly key: Buffer) {}

  /** False when something is wrong: what follows need not be read. */
  add(entry: AuditEntry): boolean {
    const expected = this.entries + 1
    if (entry.seq !== expected) {
      this.broken = { seq: expected, why: `is missing: the next one there is has the number ${entry.seq}` }
      return false
    }
    if (entry.hash !== hashOfEntry(this.key, this.before, entry)) {
      this.broken = { seq: entry.seq, why: 'does not fit the one before: it was edited, put in, or moved' }
      return false
    }
    this.before = entry.hash
    this.entries = expected
    return true
  }

  finish(head: Head | null): void {
    if (this.broken) return
    if (!head) {
      if (this.entries > 0)
        this.broken = { seq: this.entries, why: 'is there, and nothing says that it is the last one' }
      return
    }
    if (head.seal !== sealOfHead(this.key, head.seq, head.hash))
      this.broken = { seq: head.seq, why: 'is said to be the last one by somebody without the key' }
    else if (head.seq > this.entries)
      this.broken = { seq: this.entries + 1, why: `and all after it up to ${head.seq} are missing` }
    else if (head.hash !== this.before || head.seq < this.entries)
      this.broken = { seq: head.seq, why: 'is not the one that was the last one' }
  }
}
