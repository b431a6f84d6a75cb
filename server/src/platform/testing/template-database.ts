import { fileURLToPath } from 'node:url'
import pg from 'pg'

export const MIGRATIONS = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url))
/** The migrated, empty database that spec databases are copied from. */
export const TEMPLATE = 'rollcall_template'

/** Runs `work` on its own connection. */
export async function inDatabase<T>(
  connection: pg.PoolConfig,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
