import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataDir } from '../platform/config/data-dir.ts'
import { TestServer } from '../testing/test-server.ts'
import { AuditRepository } from './audit.repository.ts'
import { AuditHeads } from './audit-heads.ts'
import { AuditLog } from './audit-log.ts'

let server: TestServer
beforeAll(async () => {
  server = await TestServer.open()
})
afterAll(() => server?.[Symbol.asyncDispose]())

const ask: TestServer['ask'] = (path, asked) => server.ask(path, asked)
const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)
const post = (path: string, body: unknown, key?: string) => ask(path, { method: 'POST', body, key })
const entries = async (filter = '') =>
  (await ask(`/api/audit?limit=500${filter}`, { key: server.localKey })).json.entries as AuditEntry[]
const count = async (where: string) =>
  Number((await query(`SELECT count(*) AS n FROM audit_entry WHERE ${where}`)).rows[0].n)
const verdict = async () => (await ask('/api/audit/verify', { key: server.localKey })).json
const row = (detail: AuditEntry['detail']) => ({
  at: new Date().toISOString(),
  actor: null,
  from: '192.0.2.9',
  action: 'run',
  request: 'r',
  detail,
  outcome: 'refused' as const,
  code: 'request.unauthenticated',
})

describe('what strangers make the server store', () => {
  it('an audit entry of a refused stranger holds route, code and address, and nothing that was sent', async () => {
    const body = { program: 'MARKER', name: 'MARKER', MARKER: Array(500).fill('MARKER'.repeat(20)) }
    await post('/api/runs', body)
    await post('/api/hosts', body, 'rck_MARKER')
    await post('/api/session', { email: 'MARKER@example.com', password: 'MARKER', MARKER: 'MARKER' })
    await post('/api/invites', { token: 'MARKER'.repeat(5), password: 'MARKER'.repeat(3) })
    await post('/api/setup', body)
    await expect.poll(() => count(`outcome = 'refused' AND actor IS NULL`)).toBe(5)
    const refused = (await entries('&outcome=refused')).filter(({ actor }) => actor === null)
    for (const entry of refused) expect(entry).toMatchObject({ detail: {}, from: '127.0.0.1' })
    expect(refused.map(({ action }) => action).toSorted()).toEqual([
      'acceptInvite',
      'addHost',
      'run',
      'setUpFirstAdmin',
      'signIn',
    ])
    expect(JSON.stringify(await entries())).not.toContain('MARKER')
  })

  it('a flood by strangers does not grow the audit log, and is counted', async () => {
    const before = await count('true')
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 30 }, () => post('/api/hosts', { name: 'x' })))
    expect((await count('true')) - before).toBeLessThanOrEqual(10)
    await server.app.get(AuditLog).recordRefusalSummary()
    const [entry] = await entries('&action=refusalsWithoutEntry')
    expect(entry?.detail).toMatchObject({ of: 'strangers' })
    expect((entry?.detail.count as number) + (await count('true')) - before).toBeGreaterThanOrEqual(300)
  })

  it('the audit log names who has signed in once the sign-in is complete', async () => {
    const ada = await server.person('ada@example.com', 'admin')
    const [done] = await entries('&action=acceptInvite&outcome=done')
    expect(done).toMatchObject({ actor: { kind: 'user', id: ada.id, name: 'ada@example.com' }, detail: {} })
  })
})

describe('what known callers make the server store', () => {
  it('an audit entry of a refused known caller holds declared fields, bounded, without values that look secret', async () => {
    const key = await server.key('k', ['commands:run', 'hosts:write'])
    await post('/api/runs', { program: 'true', hosts: ['nowhere'], UNKNOWN: 'MARKER' }, key)
    await post('/api/runs', { program: 'true', hosts: ['nowhere'], args: ['--password=MARKER'] }, key)
    await post('/api/runs', { program: 'mysql', args: ['-pMARKER', 'x'.repeat(40_000)], all: true }, key)
    const labels = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`l${i}`, 'y'.repeat(200)]))
    await post('/api/hosts', { name: 'x', address: 'x', labels, credential: { type: 'MARKER' } }, key)
    await expect.poll(() => count(`actor->>'name' = 'k' AND outcome <> 'asked'`)).toBe(4)
    expect(JSON.stringify(await entries())).not.toContain('MARKER')
    expect(await count('octet_length(detail::text) > 4096')).toBe(0)
  })

  it('a flood of refusals of a known caller does not grow the audit log, and is counted', async () => {
    const key = await server.key('reader', ['hosts:read'])
    const before = await count(`code = 'request.forbidden'`)
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 30 }, () => post('/api/hosts', { name: 'x' }, key)))
    expect((await count(`code = 'request.forbidden'`)) - before).toBeLessThanOrEqual(60)
    await server.app.get(AuditLog).recordRefusalSummary()
    const [entry] = await entries('&action=refusalsWithoutEntry')
    expect(entry?.detail).toMatchObject({ of: 'known', count: 240 })
    expect(Object.keys(entry?.detail.callers as object)[0]).toMatch(/^key reader /)
  })

  it('the audit log stops growing with requests that are let in and then refused', async () => {
    const key = await server.key('looper', ['commands:run'])
    const before = await count('true')
    const codes = new Set<string | undefined>()
    for (let i = 0; i < 30; i++) {
      const all = Array.from({ length: 50 }, () => post('/api/runs', { program: 'true', hosts: ['no'] }, key))
      for (const { code } of await Promise.all(all)) codes.add(code)
    }
    expect(codes).toContain('access.locked_out')
    expect((await count('true')) - before).toBeLessThan(2 * 700)
  }, 120_000)
})

describe('entries of earlier releases that hold megabytes', () => {
  it('entries of megabytes from earlier releases break neither listing, verifying nor exporting', async () => {
    const repository = server.app.get(AuditRepository)
    for (let i = 0; i < 30; i++)
      await repository.append(row({ fields: Array(3800).fill(`${i} `.padEnd(500, 'x')) }))
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const listed = await ask('/api/audit?limit=500', { key: server.localKey })
    expect(listed.status).toBe(200)
    expect(JSON.stringify(listed.json).length).toBeLessThan(2 * 1024 * 1024)
    expect(await verdict()).toMatchObject({ isIntact: true })
    delay.disable()
    expect(delay.max / 1e6).toBeLessThan(2000)
    let after = -1
    let lines = 0
    for (;;) {
      const url = `${server.url}/api/audit/export?after=${after}`
      const answer = await fetch(url, { headers: { authorization: `Bearer ${server.localKey}` } })
      const text = await answer.text()
      if (text === '') break
      expect(text.length).toBeLessThan(3 * 1024 * 1024)
      const page = text.trimEnd().split('\n')
      lines += page.length
      after = JSON.parse(page.at(-1) ?? '').seq
    }
    expect(lines).toBe(await count('true'))
    let before: number | null = null
    let seen = 0
    do {
      const page = await ask(`/api/audit?limit=500${before ? `&before=${before}` : ''}`, {
        key: server.localKey,
      })
      seen += page.json.entries.length
      before = page.json.before
    } while (before !== null)
    expect(seen).toBe(await count('true'))
  }, 120_000)
})

describe('the chain against somebody who owns the database', () => {
  it('the audit chain begins with an entry 0, and its head is kept in the data folder and logged', async () => {
    const [first] = (await query('SELECT seq, action FROM audit_entry ORDER BY seq LIMIT 1')).rows
    expect(first).toMatchObject({ seq: '0', action: 'setUp' })
    await server.app.get(AuditHeads).flushed()
    const file = JSON.parse(await readFile(server.app.get(DataDir).file('audit-head.json'), 'utf8'))
    const [head] = (await query('SELECT seq::int, hash FROM audit_head')).rows
    expect(file).toMatchObject(head)
    await server.app.get(AuditLog).reportHead()
    expect(server.logLines()).toContainEqual(
      expect.objectContaining({ msg: 'head of the audit log', audit: head }),
    )
  })

  it('no ordinary statement empties the audit log or restores an older head', async () => {
    for (const sql of [
      'TRUNCATE audit_entry',
      'TRUNCATE audit_head',
      'DELETE FROM audit_head',
      'DELETE FROM audit_entry',
      'UPDATE audit_head SET seq = seq - 1',
    ])
      await expect(query(sql)).rejects.toThrow(/neither/)
  })

  it('a tail that was cut off with an older head restored is detected, also after further entries', async () => {
    const [old] = (await query('SELECT * FROM audit_head')).rows
    await post('/api/runs', { program: 'true', hosts: ['x'] }, server.localKey)
    await expect.poll(() => count(`seq > ${old.seq}`)).toBe(2)
    await query('ALTER TABLE audit_entry DISABLE TRIGGER ALL')
    await query('ALTER TABLE audit_head DISABLE TRIGGER ALL')
    await query('DELETE FROM audit_entry WHERE seq > $1', [old.seq])
    await query('UPDATE audit_head SET seq = $1, hash = $2, seal = $3', [old.seq, old.hash, old.seal])
    const missing = { isIntact: false, broken: { seq: Number(old.seq) + 1 } }
    expect(await verdict()).toMatchObject(missing)
    await post('/api/runs', { program: 'true', hosts: ['x'] }, server.localKey)
    await expect.poll(() => count(`seq > ${old.seq}`)).toBe(2)
    expect(await verdict()).toMatchObject(missing)
  })

  it('an emptied audit log is detected, also after further entries and a restart of the server', async () => {
    await query('TRUNCATE audit_entry')
    await query('TRUNCATE audit_head')
    await server.app.get(AuditLog).initialize()
    expect(await verdict()).toMatchObject({ isIntact: false, broken: { seq: 0 } })
    await post('/api/runs', { program: 'true', hosts: ['x'] }, server.localKey)
    await expect.poll(() => count('true')).toBe(2)
    expect(await verdict()).toMatchObject({ isIntact: false, broken: { seq: 0 } })
  })
})
