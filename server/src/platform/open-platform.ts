import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RollcallError } from '@rollcall/contracts'
import type pg from 'pg'
import { Artifacts } from './artifacts/artifacts.ts'
import { BlobStore } from './blobs/blob-store.ts'
import type { Config } from './config/config.ts'
import { DataDir } from './config/data-dir.ts'
import { loadMasterKey, parseMasterKey } from './crypto/master-key.ts'
import { CHECK_CONTEXT, ROOT_CONTEXT, rotateMasterKey } from './crypto/master-key-rotation.ts'
import { ReleaseKeys } from './crypto/release-keys.ts'
import { Sealer } from './crypto/sealer.ts'
import { ServerIdentities } from './crypto/server-identities.ts'
import { makeLogger } from './log.ts'
import type { Platform } from './platform.module.ts'
import { EmbeddedPostgres } from './postgres/embedded-postgres.ts'
import { Database } from './prisma/database.ts'
import { JobQueue } from './queue/job-queue.ts'

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

export interface OpenPlatform extends Platform {
  /** Closes everything that was opened, last first. */
  close(): Promise<void>
}

/** Opens folder, keys, database and queue, in this order. What was opened is closed again when a later step fails. */
export async function openPlatform(config: Config): Promise<OpenPlatform> {
  const log = makeLogger(config.logLevel)
  const opened: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closeOne of opened.splice(0).reverse())
      await closeOne().catch((error) => log.error({ err: error }, 'something could not be closed in order'))
  }
  try {
    const { version } = JSON.parse(await readFile(join(REPOSITORY, 'server/package.json'), 'utf8')) as {
      version: string
    }
    const dataDir = await DataDir.open(config.dataDir)
    opened.push(() => dataDir.close())
    const masterKey = await loadMasterKey(config.masterKey, dataDir.file('master-key'))
    const oldMasterKey =
      config.oldMasterKey === undefined
        ? undefined
        : parseMasterKey(config.oldMasterKey, 'ROLLCALL_OLD_MASTER_KEY')

    let connection: pg.PoolConfig = { connectionString: config.databaseUrl }
    if (config.databaseUrl === undefined) {
      const postgres = new EmbeddedPostgres(dataDir.file('postgres'), log)
      connection = await postgres.start()
      opened.push(() => postgres.stop())
    }
    const database = await Database.open(connection, join(REPOSITORY, 'prisma/migrations'), log)
    opened.push(() => database.close())
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
    const identities = await ServerIdentities.open(database, sealer)
    const releaseKeys = await ReleaseKeys.open(database, sealer, config.releaseKeys)

    const queue = await JobQueue.open(
      config.redisUrl === undefined
        ? { type: 'postgres', connection }
        : { type: 'redis', url: config.redisUrl },
      log,
    )
    opened.push(() => queue.close())
    const artifacts = new Artifacts(
      config.agentFolder ?? join(REPOSITORY, 'agent/dist'),
      config.ansibleBundle,
      dataDir.file('releases'),
    )
    const blobs = new BlobStore(dataDir.file('files'), config.filesBytes)
    return {
      version,
      config,
      log,
      dataDir,
      sealer,
      database,
      identities,
      releaseKeys,
      queue,
      artifacts,
      blobs,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Throws `server.master_key_wrong` at the start rather than at the first use. */
async function openSealer(database: Database, masterKey: Buffer): Promise<Sealer> {
  const sealer = new Sealer(masterKey)
  const known = await database.prisma.masterKeyCheck.upsert({
    where: { id: 1 },
    update: {},
    create: { id: 1, sealed: sealer.seal(CHECK_CONTEXT, CHECK_CONTEXT) },
  })
  if (sealer.open(known.sealed, CHECK_CONTEXT) !== CHECK_CONTEXT)
    throw new RollcallError(
      'server.master_key_wrong',
      'The master key opens the check value to something else. Restore the key that the database was made with.',
    )
  if (!known.derivationRoot) return sealer
  return new Sealer(masterKey, Buffer.from(sealer.open(known.derivationRoot, ROOT_CONTEXT), 'base64'))
}
