import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestDatabase } from '../testing/test-database.ts'
import { addTestHost } from '../testing/test-hosts.ts'
import { isUniqueViolation } from './database-errors.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await TestDatabase.open()
})
afterAll(() => test?.close())

it('a port that is taken is not taken for a name that is, nor the other way round', async () => {
  const at = new Date('2026-11-30T09:00:00Z')
  await addTestHost(test.database, { name: 'one', at })
  await addTestHost(test.database, { name: 'two', at })
  const { prisma } = test.database
  const [first, second] = await prisma.agent.findMany({ orderBy: { rpcPort: 'asc' } })
  const ofPort = await prisma.agent
    .update({ where: { hostId: second?.hostId ?? '' }, data: { rpcPort: first?.rpcPort ?? 0 } })
    .catch((error) => error)
  const ofNextPort = await prisma.agent
    .update({ where: { hostId: second?.hostId ?? '' }, data: { nextPort: first?.rpcPort ?? 0 } })
    .catch((error) => error)
  const ofName = await prisma.host
    .update({ where: { name: 'two' }, data: { name: 'one' } })
    .catch((error) => error)
  const fits = (error: unknown) => ['rpc', 'port', 'name'].filter((field) => isUniqueViolation(error, field))
  expect(fits(ofPort)).toEqual(['rpc', 'port'])
  expect(fits(ofNextPort)).toEqual(['rpc', 'port'])
  expect(fits(ofName)).toEqual(['name'])
  expect(fits(new Error(`Unique name rpc port ${randomUUID()}`))).toEqual([])
})
