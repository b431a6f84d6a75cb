import { expect, it } from 'vitest'
import { checkTables, hasUntypedSql, tablesOfModels, writtenTables } from '../../scripts/lint/tables.mjs'

const models = tablesOfModels(`
model Host {
  id String @id
}

model User {
  id String @id

  @@map("app_user")
}
`)

it('a write of a table is seen in SQL and in calls of the Prisma client, and a read is not', () => {
  expect(writtenTables('await pool.query(`UPDATE app_user SET name = $1`)', models)).toEqual(['app_user'])
  expect(writtenTables('await transaction.user.updateMany({})', models)).toEqual(['app_user'])
  expect(writtenTables('`INSERT INTO host (id)`; `DELETE\n FROM "app_user"`', models)).toEqual([
    'app_user',
    'host',
  ])
  expect(writtenTables('`SELECT * FROM host FOR UPDATE`; prisma.user.findMany({})', models)).toEqual([])
})

it('a query whose rows are of any type is seen, and one whose caller declares its rows is not', () => {
  expect(hasUntypedSql('await this.database.pool.query(`SELECT 1`)')).toBe(true)
  expect(hasUntypedSql('await transaction.$queryRaw`SELECT 1`')).toBe(true)
  expect(hasUntypedSql('await prisma.$queryRawUnsafe<Row[]>(text)')).toBe(true)
  expect(hasUntypedSql('await this.database.query<Row>(`SELECT 1`)')).toBe(false)
  expect(hasUntypedSql('await transaction.$queryRaw<Row[]>`SELECT 1`')).toBe(false)
})

it('every table of the schema has an owner, and nobody but the owner writes it', async () => {
  expect(await checkTables()).toBeNull()
})
