import { fileURLToPath } from 'node:url'
import pg from 'pg'

export const MIGRATIONS = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url))
/** The database that those of specs are copies of: migrated, and otherwise empty. */
export const TEMPLATE = 'rollcall_template'

/** Does `work` on a connection of its own. */
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
