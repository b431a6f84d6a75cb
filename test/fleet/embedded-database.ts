import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { run } from '../bed/tools.ts'
import { shared } from './shared.ts'

/** Connects to the embedded database of a server that runs on this data folder. */
export async function connectToEmbedded(dataDir: string): Promise<pg.Client> {
  const postgres = join(dataDir, 'postgres')
  const password = (await readFile(join(postgres, 'password'), 'utf8')).trim()
  const client = new pg.Client({
    host: join(postgres, 'socket'),
    user: 'rollcall',
    database: 'postgres',
    password,
  })
  // A server that stops takes its database with it: the next query tells.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/**
 * Copies the database that `server/src/testing/prepared-database.ts` has initialised and migrated into a server's data folder, where
 * the server finds it instead of making its own. Returns whether there is one: in runs of tests alone.
 */
export async function copyPreparedDatabase(dataDir: string): Promise<boolean> {
  if (!shared) return false
  await run('cp', ['--archive', '--reflink=auto', join(shared, 'postgres'), join(dataDir, 'postgres')])
  return true
}

/** Gives a server on a copy the id of a fleet of its own. It is the one thing that migrations make at random, and so the same in all copies. */
export async function renewFleetId(dataDir: string): Promise<void> {
  const client = await connectToEmbedded(dataDir)
  await client.query('UPDATE fleet SET id = gen_random_uuid()')
  await client.end()
}
