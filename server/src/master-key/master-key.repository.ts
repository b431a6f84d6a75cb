import { RollcallError } from '@rollcall/contracts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { LIVE_SERVERS } from '../platform/leases/lease.ts'
import type { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'

export const CHECK_CONTEXT = 'master-key-check'
export const ROOT_CONTEXT = 'derivation-root'
export const IDENTITY_CONTEXT = 'server-identity'
/** The number of values per statement; the largest, a command's environment, have some megabytes. */
const BATCH = 500

interface SealedColumn {
  table: string
  key: string
  column: string
  /** Returns the seal context of a row's value. */
  context: (key: string) => string
}

const column = (table: string, key: string, name: string, context: SealedColumn['context']) => ({
  table,
  key,
  column: name,
  context,
})

/** Every sealed column but the check value; a test compares the list with the schema. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  column('host', 'id', 'credential', (id) => `host/${id}/credential`),
  column('agent', 'host_id', 'token', (id) => `agent/${id}/token`),
  column('agent', 'host_id', 'secret_key', (id) => `agent/${id}/secret-key`),
  column('agent', 'host_id', 'private_key', (id) => `agent/${id}/private-key`),
  column('rotation', 'host_id', 'token', (id) => `rotation/${id}/token`),
  column('rotation', 'host_id', 'secret_key', (id) => `rotation/${id}/secret-key`),
  column('rotation', 'host_id', 'private_key', (id) => `rotation/${id}/private-key`),
  column('command', 'id', 'env', (id) => `command/${id}/env`),
  column('saved_command', 'id', 'env', (id) => `saved-command/${id}/env`),
  column('schedule', 'id', 'program', (id) => `schedule/${id}/program`),
  column('terminal_input', 'id', 'data', (id) => `terminal-input/${id}`),
  column('secret_version', 'id', 'data', (id) => `secret-version/${id}`),
  column('playbook_run', 'run_id', 'variables', (id) => `playbook_run/${id}/variables`),
  column('service_revision', 'id', 'spec', (id) => `service-revision/${id}/spec`),
  column('service_plan', 'id', 'content', (id) => `service-plan/${id}/content`),
  column('app_user', 'id', 'totp_secret', (id) => `user/${id}/totp`),
  column('server_identity', 'id', 'private_key', () => IDENTITY_CONTEXT),
  column('release_key', 'id', 'private_key', (id) => `release-key/${id}`),
  column('registry', 'host', 'password', (host) => `registry/${host}/password`),
]

/**
 * Opens the sealer and stores the check value on the first start. Throws `server.master_key_wrong` before any secret is
 * used.
 */
export async function openSealer(database: Database, masterKey: Buffer): Promise<Sealer> {
  const sealer = new Sealer(masterKey)
  const known = await database.prisma.masterKeyCheck.upsert({
    where: { id: 1 },
    update: {},
    create: { id: 1, sealed: sealer.seal(CHECK_CONTEXT, CHECK_CONTEXT) },
  })
  if (sealer.open(known.sealed, CHECK_CONTEXT) !== CHECK_CONTEXT)
    throw new RollcallError(
      'server.master_key_wrong',
      'The master key does not match this database. Restore the master key that the database was created with.',
    )
  if (!known.derivationRoot) return sealer
  return new Sealer(masterKey, Buffer.from(sealer.open(known.derivationRoot, ROOT_CONTEXT), 'base64'))
}

/**
 * Reseals all values from `oldKey` to `newKey` in one transaction, and returns how many; null if the new key is already
 * in use. Throws `server.master_key_wrong` if neither key fits, and `server.config_invalid` while other servers run.
 */
export async function rotateMasterKey(
  database: Database,
  keys: { oldKey: Buffer; newKey: Buffer },
  self: { serverId: string },
): Promise<number | null> {
  return database.transaction(async (client) => {
    // The lock also excludes another server that was started with the same two keys.
    const check = await client.first<{ sealed: Buffer; derivation_root: Buffer | null }>(
      'SELECT sealed, derivation_root FROM master_key_check FOR UPDATE',
    )
    if (!check || opens(keys.newKey, check.sealed)) return null
    if (!opens(keys.oldKey, check.sealed)) throw neitherKey()
    await refuseWhileOthersRun(client, self.serverId)
    const [from, to] = [new Sealer(keys.oldKey), new Sealer(keys.newKey)]
    let count = 0
    for (const sealed of SEALED_COLUMNS) count += await resealColumn(client, sealed, from, to)
    const root = check.derivation_root
      ? from.open(check.derivation_root, ROOT_CONTEXT)
      : keys.oldKey.toString('base64')
    await client.execute('UPDATE master_key_check SET sealed = $1, derivation_root = $2', [
      to.seal(CHECK_CONTEXT, CHECK_CONTEXT),
      to.seal(root, ROOT_CONTEXT),
    ])
    return count
  })
}

function opens(key: Buffer, sealed: Buffer): boolean {
  try {
    return new Sealer(key).open(sealed, CHECK_CONTEXT) === CHECK_CONTEXT
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'server.master_key_wrong') return false
    throw error
  }
}

async function resealColumn(
  client: Sql,
  { table, key, column: name, context }: SealedColumn,
  from: Sealer,
  to: Sealer,
): Promise<number> {
  const all = await client.query<{ key: string }>(
    `SELECT ${key}::text AS key FROM ${table} WHERE ${name} IS NOT NULL`,
  )
  for (let at = 0; at < all.length; at += BATCH) {
    const batch = all.slice(at, at + BATCH).map((row) => row.key)
    const rows = await client.query<{ key: string; value: Buffer }>(
      `SELECT ${key}::text AS key, ${name} AS value FROM ${table} WHERE ${key}::text = ANY($1::text[]) FOR UPDATE`,
      [batch],
    )
    const values = rows.map((row) => to.seal(from.open(row.value, context(row.key)), context(row.key)))
    await client.execute(
      `UPDATE ${table} SET ${name} = resealed.value FROM unnest($1::text[], $2::bytea[]) AS resealed (key, value)
       WHERE ${table}.${key}::text = resealed.key`,
      [rows.map((row) => row.key), values.map((value) => Buffer.from(value))],
    )
  }
  return all.length
}

/** Refuses the change while other servers run, because they would keep sealing with the old key. */
async function refuseWhileOthersRun(client: Sql, serverId: string): Promise<void> {
  const rows = await client.query(
    `SELECT lease_owner FROM (${LIVE_SERVERS}) AS live WHERE lease_owner <> $1`,
    [serverId],
  )
  if (rows.length === 0) return
  throw new RollcallError(
    'server.config_invalid',
    `The master key cannot be changed while ${rows.length} other server(s) are running with the old one. Stop them, wait ten seconds, and start this server again.`,
  )
}

const neitherKey = () =>
  new RollcallError(
    'server.master_key_wrong',
    'Neither the master key nor ROLLCALL_OLD_MASTER_KEY matches this database. Nothing was changed. Set ROLLCALL_OLD_MASTER_KEY to the key that the database was created with.',
  )
