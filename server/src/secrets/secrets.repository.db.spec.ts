import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { admin } from '../access/testing/principals.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { SecretsService, type SecretUse, SecretUses } from './index.ts'
import { MAX_SECRETS, SecretsRepository } from './secrets.repository.ts'

let test: TestDatabase
let secrets: SecretsService
let used: SecretUse[]
const actor = admin('spec')
const sealer = new Sealer(randomBytes(32))

beforeAll(async () => {
  test = await TestDatabase.open()
  const uses = new SecretUses()
  uses.register(async (_sql, names) => used.filter(({ name }) => names === null || names.includes(name)))
  const repository = new SecretsRepository(test.database, sealer, uses)
  secrets = new SecretsService(repository, new ManualClock('2026-11-30T10:00:00Z'))
})
afterAll(() => test.close())
beforeEach(async () => {
  used = []
  await test.empty('secret')
})

const set = (name: string, value: string | Buffer) =>
  secrets.set({ name, data: Buffer.from(value).toString('base64') }, actor)
const newest = async (name: string) => (await secrets.versions([name])).get(name)
const versionsOf = async (name: string) => (await secrets.show(name)).versions.map(({ version }) => version)

describe('secrets of services', () => {
  it('a secret holds any bytes, in versions that stay openable, and an equal value makes no version', async () => {
    const binary = Buffer.from([0, 255, 10, 13, 0])
    expect(await set('key', binary)).toBe(true)
    expect(await set('key', binary)).toBe(false)
    expect(await set('key', 'two')).toBe(true)
    expect(await set('key', binary)).toBe(true)
    expect(await versionsOf('key')).toEqual([3, 2, 1])
    expect(await secrets.open('key', 1)).toEqual(binary)
    expect((await secrets.open('key', 2)).toString()).toBe('two')
    expect((await secrets.show('key')).versions.map((each) => each.fitsEnvironment)).toEqual([
      false,
      true,
      false,
    ])
  })

  it('the digest tells equal values of one secret from others, and nothing across secrets or without the key', async () => {
    await set('a', 'same')
    await set('b', 'same')
    const first = await newest('a')
    expect(first?.digest).not.toBe((await newest('b'))?.digest)
    await set('a', 'other')
    expect((await newest('a'))?.digest).not.toBe(first?.digest)
    await set('a', 'same')
    expect(await newest('a')).toEqual({ version: 3, digest: first?.digest, fitsEnvironment: true })
    const other = new SecretsRepository(test.database, new Sealer(randomBytes(32)), new SecretUses())
    await other.set({ name: 'a', value: Buffer.from('same'), by: 'x', at: new Date() })
    expect((await newest('a'))?.version).toBe(4)
  })

  it('no column of the database holds the value of a secret, as text or as base64', async () => {
    await set('key', 'canary-5fd1')
    const { rows } = await test.database.pool.query(
      `SELECT row_to_json(secret)::text || row_to_json(secret_version)::text || encode(data, 'escape') AS line
       FROM secret JOIN secret_version ON secret_id = secret.id`,
    )
    expect(rows).toHaveLength(1)
    expect(rows[0].line).not.toContain('canary')
    expect(rows[0].line).not.toContain(Buffer.from('canary-5fd1').toString('base64').slice(0, 12))
  })

  it('the newest ten versions are kept, and older ones as long as something uses them', async () => {
    used = [{ name: 'key', version: 2, by: 'shop/web' }]
    for (let at = 1; at <= 13; at++) await set('key', `value ${at}`)
    expect(await versionsOf('key')).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2])
    await expect(secrets.open('key', 3)).rejects.toMatchObject({ code: 'secret.not_found' })
    used = []
    await set('key', 'next')
    expect(await versionsOf('key')).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5])
  })

  it('a secret that something uses cannot be removed, and the refusal names who uses it', async () => {
    await set('key', 'x')
    used = [
      { name: 'key', version: 1, by: 'shop/web' },
      { name: 'key', version: 1, by: 'shop/db' },
    ]
    await expect(secrets.remove('key')).rejects.toMatchObject({
      code: 'secret.in_use',
      message: expect.stringContaining('shop/web, shop/db'),
    })
    expect((await secrets.open('key', 1)).toString()).toBe('x')
    used = []
    await secrets.remove('key')
    await expect(secrets.remove('key')).rejects.toMatchObject({ code: 'secret.not_found' })
    expect(await newest('key')).toBeUndefined()
  })

  it('a secret that a transaction has looked up is not removed before that transaction ends', async () => {
    await set('key', 'x')
    let removed: Promise<void> | undefined
    await test.database.transaction(async (sql) => {
      expect((await secrets.versions(['key'], sql)).size).toBe(1)
      let isOver = false
      removed = secrets.remove('key').finally(() => {
        isOver = true
      })
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT id FROM secret%'`
      await vi.waitUntil(async () => isOver || (await test.database.query(waiting)).length > 0)
      expect(isOver).toBe(false)
      used = [{ name: 'key', version: 1, by: 'shop/web' }]
    })
    await expect(removed).rejects.toMatchObject({ code: 'secret.in_use' })
  })

  it('two callers who set a secret at the same moment make two versions', async () => {
    await Promise.all([set('key', 'one'), set('key', 'two')])
    expect(await versionsOf('key')).toEqual([2, 1])
  })

  it('more secrets than the limit are refused, and nothing of them is stored', async () => {
    await test.database.pool.query(
      `INSERT INTO secret (id, name, created_by, created_at)
       SELECT gen_random_uuid(), 'filler-' || at, 'x', now() FROM generate_series(1, $1) at`,
      [MAX_SECRETS],
    )
    await expect(set('one-more', 'x')).rejects.toMatchObject({ code: 'secret.too_many' })
    const { rows } = await test.database.pool.query('SELECT 1 FROM secret WHERE name = $1', ['one-more'])
    expect(rows).toEqual([])
  })
})
