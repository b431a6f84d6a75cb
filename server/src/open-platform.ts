import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { loadMasterKey, openSealer, parseMasterKey, rotateMasterKey } from './master-key/index.ts'
import type { Config } from './platform/config/config.ts'
import { DataDir } from './platform/config/data-dir.ts'
import { PasswordHasher } from './platform/crypto/password-hasher.ts'
import { makeLogger } from './platform/log.ts'
import type { Platform } from './platform/platform.module.ts'
import { EmbeddedPostgres } from './platform/postgres/embedded-postgres.ts'
import { Database } from './platform/prisma/database.ts'
import { JobQueue } from './platform/queue/job-queue.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

export interface OpenPlatform extends Platform {
  /** Closes everything that was opened, last first. */
  close(): Promise<void>
}

/** Opens folder, keys, database and queue, in this order. What was opened is closed again when a later step fails. */
export async function openPlatform(config: Config): Promise<OpenPlatform> {
  const log = makeLogger(config.logLevel)
  await using opened = new AsyncDisposableStack()
  const closeAtEnd = (close: () => Promise<void>) =>
    opened.defer(() =>
      close().catch((error) => log.error({ err: error }, 'something could not be closed in order')),
    )
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'server/package.json'), 'utf8')) as {
    version: string
  }
  const dataDir = await DataDir.open(config.dataDir)
  closeAtEnd(() => dataDir.close())
  const masterKey = await loadMasterKey(config.masterKey, dataDir.file('master-key'))
  const oldMasterKey =
    config.oldMasterKey === undefined
      ? undefined
      : parseMasterKey(config.oldMasterKey, 'ROLLCALL_OLD_MASTER_KEY')

  let connection: pg.PoolConfig = { connectionString: config.databaseUrl }
  if (config.databaseUrl === undefined) {
    const postgres = new EmbeddedPostgres(dataDir.file('postgres'), log)
    connection = await postgres.start()
    closeAtEnd(() => postgres.stop())
  }
  const database = await Database.open(connection, join(REPOSITORY, 'prisma/migrations'), log)
  closeAtEnd(() => database.close())
  if (oldMasterKey) {
    const keys = { oldKey: oldMasterKey, newKey: masterKey }
    const count = await rotateMasterKey(database, keys, { serverId: dataDir.installationId })
    log.info(
      count === null
        ? 'the database has the new master key already; ROLLCALL_OLD_MASTER_KEY is not needed any more'
        : `the master key was changed: ${count} secrets were sealed anew`,
    )
  }
  const sealer = await openSealer(database, masterKey)
  const queue = await JobQueue.open(
    config.redisUrl === undefined
      ? { type: 'postgres', connection }
      : { type: 'redis', url: config.redisUrl },
    log,
  )
  closeAtEnd(() => queue.close())
  const passwords = new PasswordHasher()
  const all = opened.move()
  const close = () => all.disposeAsync()
  return { version, config, log, dataDir, sealer, passwords, database, queue, close }
}
