import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SystemClock } from '../platform/clock/clock.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { ApiKeysRepository } from './api-keys.repository.ts'
import { ApiKeysService } from './api-keys.service.ts'
import { UsersRepository } from './users.repository.ts'

let test: TestDatabase
let folder: string
beforeAll(async () => {
  test = await TestDatabase.open()
  folder = await mkdtemp(join(tmpdir(), 'rollcall-keys-'))
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true })
})

/** Starts a server's keys on this data folder. Returns the key that it then has. */
async function startedOn(name: string) {
  const dataDir = await DataDir.open(join(folder, name))
  const keys = new ApiKeysService(
    new ApiKeysRepository(test.database),
    new UsersRepository(test.database),
    dataDir,
    new SystemClock(),
  )
  await keys.ensureLocalKey()
  const key = (await readFile(dataDir.file('api-key'), 'utf8')).trim()
  await dataDir.close()
  return {
    key,
    isKnown: async (one: string) => (await keys.find(one)) !== undefined,
  }
}

it('a second server on a database leaves the key of the first one alone', async () => {
  const first = await startedOn('first')
  const second = await startedOn('second')
  expect([await first.isKnown(first.key), await first.isKnown(second.key)]).toEqual([true, true])
  expect((await startedOn('first')).key).toBe(first.key)
})

it('a local key whose file was removed is no longer accepted', async () => {
  const lost = await startedOn('first')
  await rm(join(folder, 'first', 'api-key'))
  const found = await startedOn('first')
  expect([await found.isKnown(lost.key), await found.isKnown(found.key)]).toEqual([false, true])
})
