import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { expect, it } from 'vitest'
import { Database } from '../prisma/database.ts'
import { MIGRATIONS } from '../testing/template-database.ts'
import { EmbeddedPostgres } from './embedded-postgres.ts'

it('a database that dies is started again, and the connections come back', async () => {
  // One of its own: the other specs share theirs, and would die with it.
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-dying-db-'))
  await chmod(folder, 0o711)
  const log = pino({ level: 'silent' })
  const postgres = new EmbeddedPostgres(join(folder, 'postgres'), log)
  try {
    const database = await Database.open(await postgres.start(), MIGRATIONS, log)
    const postmaster = async () => {
      const { rows } = await database.pool.query(
        "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid",
      )
      return rows[0].pid as number
    }
    const before = await postmaster()
    process.kill(before, 'SIGKILL')
    await expect.poll(() => postmaster().catch(() => before), { timeout: 30_000 }).not.toBe(before)
    await database.close()
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
