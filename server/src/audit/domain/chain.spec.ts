import type { AuditEntry } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { ChainCheck, GENESIS_HASH, hashEntry, newestHead, sealHead } from './chain.ts'

const KEY = Buffer.alloc(32, 7)

function chain(count: number): AuditEntry[] {
  const entries: AuditEntry[] = []
  for (let seq = 1; seq <= count; seq++) {
    const entry = {
      seq,
      at: '2026-11-24T10:00:00.000Z',
      from: '127.0.0.1',
      action: 'run',
      request: `r${seq}`,
      actor: { kind: 'user', id: 'u', name: 'Ada' },
      outcome: 'done' as const,
      code: null,
      detail: { program: 'true', args: ['a', { b: 1, a: 2 }] },
    }
    entries.push({ ...entry, hash: hashEntry(KEY, entries.at(-1)?.hash ?? GENESIS_HASH, entry) })
  }
  return entries
}

function verdict(entries: AuditEntry[], whole = entries) {
  const check = new ChainCheck(KEY)
  const last = whole.at(-1)
  for (const entry of entries) if (!check.add(entry)) break
  check.finish(last ? { seq: last.seq, hash: last.hash, seal: sealHead(KEY, last.seq, last.hash) } : null)
  return check.broken?.seq ?? null
}

it('an entry that was edited, removed, moved or inserted is detected', () => {
  const whole = chain(6)
  expect(verdict(whole)).toBeNull()
  const edited = structuredClone(whole)
  ;(edited[2] as AuditEntry).detail = { program: 'false' }
  expect(verdict(edited)).toBe(3)
  expect(verdict(whole.toSpliced(3, 1), whole)).toBe(4)
  expect(verdict([whole[0], whole[2], whole[1], ...whole.slice(3)] as AuditEntry[], whole)).toBe(2)
  const forged = structuredClone(whole)
  forged[1] = {
    ...(forged[1] as AuditEntry),
    hash: hashEntry(Buffer.alloc(32), whole[0]?.hash ?? '', whole[1] as AuditEntry),
  }
  expect(verdict(forged, whole)).toBe(2)
})

it('a cut end and a forged head are detected', () => {
  const whole = chain(6)
  expect(verdict(whole.slice(0, 4), whole)).toBe(5)
  const check = new ChainCheck(KEY)
  for (const entry of whole.slice(0, 4)) check.add(entry)
  const last = whole[3] as AuditEntry
  check.finish({ seq: 4, hash: last.hash, seal: sealHead(Buffer.alloc(32), 4, last.hash) })
  expect(check.broken?.seq).toBe(4)
  expect(verdict([], [])).toBe(0)
})

it('the order of keys, which a database does not keep, does not change a hash', () => {
  const [entry] = chain(1) as [AuditEntry]
  const other = { ...entry, detail: { args: ['a', { a: 2, b: 1 }], program: 'true' } }
  expect(hashEntry(KEY, GENESIS_HASH, other)).toBe(entry.hash)
})

it('an emptied, truncated or replaced audit log is detected by the head that is kept outside', () => {
  const whole = chain(6)
  const judge = (entries: AuditEntry[], outside: { seq: number; hash: string }, end = entries.at(-1)) => {
    const check = new ChainCheck(KEY, outside)
    for (const entry of entries) if (!check.add(entry)) break
    check.finish(end ? { seq: end.seq, hash: end.hash, seal: sealHead(KEY, end.seq, end.hash) } : null)
    return check.broken?.seq ?? null
  }
  const known = { seq: 6, hash: whole[5]?.hash ?? '' }
  expect(judge(whole, known)).toBeNull()
  expect(judge(whole.slice(0, 4), known)).toBe(5)
  expect(judge([], known)).toBe(0)
  const other = chain(6).map((entry) => ({ ...entry, at: '2026-11-24T11:00:00.000Z' }))
  for (const [at, entry] of other.entries())
    entry.hash = hashEntry(KEY, other[at - 1]?.hash ?? GENESIS_HASH, entry)
  expect(verdict(other)).toBeNull()
  expect(judge(other, known)).toBe(6)
})

it('the chain continues after the newest known entry, and without one starts in a way that is detected', () => {
  const [first, second] = chain(2) as [AuditEntry, AuditEntry]
  expect(newestHead([null, first, second]).seq).toBe(2)
  const lost = newestHead([null, null, null])
  const entry = { ...first, hash: hashEntry(KEY, lost.hash, first) }
  expect(verdict([entry])).toBe(0)
})
