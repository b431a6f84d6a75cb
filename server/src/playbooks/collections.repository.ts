import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { CollectionUses } from './collection-uses.ts'
import type { Collection, CollectionFile, CollectionUse } from './domain/collection-files.ts'

const MAX_COLLECTIONS = 50
/** Bounds the versions of a collection that are kept, so that a plan made with an earlier one can be applied. */
const KEPT_VERSIONS = 5
const COLUMNS = `collection.name, version, collection.labels, source, playbooks, file_count AS "fileCount", bytes,
  added_by AS "addedBy", added_at AS "addedAt"`
const IN_USE = 'playbook_collection collection JOIN playbook_collection_version USING (name, version)'

@Injectable()
export class CollectionsRepository {
  constructor(
    private readonly database: Database,
    private readonly uses: CollectionUses,
  ) {}

  /** Lists the versions in use, by name. */
  async list(): Promise<Collection[]> {
    return this.database.query(`SELECT ${COLUMNS} FROM ${IN_USE} ORDER BY name`)
  }

  /** Returns the version in use. In a transaction, the collection stays as it is until that ends. */
  async find(name: string, transaction?: Sql): Promise<Collection | null> {
    return (transaction ?? this.database).first(
      `SELECT ${COLUMNS} FROM ${IN_USE} WHERE name = $1 ${transaction ? 'FOR SHARE OF collection' : ''}`,
      [name],
    )
  }

  /** Returns the files of a version by path; none where it is not kept. */
  async files(name: string, version: string): Promise<CollectionFile[]> {
    return this.database.query(
      'SELECT path, mode, data FROM playbook_collection_file WHERE name = $1 AND version = $2 ORDER BY path COLLATE "C"',
      [name, version],
    )
  }

  /**
   * Makes a version the one in use; a few earlier ones are kept, and those that something uses. Returns false where it was in use already.
   * Throws `collection.too_many`.
   */
  store(collection: Collection, files: readonly CollectionFile[]): Promise<boolean> {
    const { name, version, labels, source, playbooks, fileCount, bytes, addedBy, addedAt } = collection
    return this.database.transaction(async (client) => {
      // One at a time: what is counted stays so until the end.
      await client.execute('LOCK TABLE playbook_collection IN SHARE ROW EXCLUSIVE MODE')
      const rows = await client.query<{ name: string; version: string }>(
        'SELECT name, version FROM playbook_collection',
      )
      const former = rows.find((row) => row.name === name)
      if (!former && rows.length >= MAX_COLLECTIONS) throw tooMany()
      await client.execute(
        `INSERT INTO playbook_collection (name, version, labels) VALUES ($1, $2, $3::jsonb)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, labels = excluded.labels`,
        [name, version, labels && JSON.stringify(labels)],
      )
      await client.execute(
        `INSERT INTO playbook_collection_version (name, version, source, playbooks, file_count, bytes, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name, version) DO UPDATE
         SET source = excluded.source, playbooks = excluded.playbooks, added_by = excluded.added_by, added_at = excluded.added_at`,
        [
          name,
          version,
          JSON.stringify(source),
          JSON.stringify(playbooks),
          fileCount,
          bytes,
          addedBy,
          addedAt,
        ],
      )
      await client.execute(
        `INSERT INTO playbook_collection_file (name, version, path, mode, data)
         SELECT $1, $2, path, mode, data FROM unnest($3::text[], $4::int[], $5::bytea[]) AS new (path, mode, data)
         ON CONFLICT DO NOTHING`,
        [
          name,
          version,
          files.map(({ path }) => path),
          files.map(({ mode }) => mode),
          files.map(({ data }) => data),
        ],
      )
      const used = (await this.uses.find(client, name)).map((use) => use.version)
      await client.execute(
        `DELETE FROM playbook_collection_version WHERE name = $1 AND version <> $2 AND version <> ALL($4) AND version NOT IN (
           SELECT version FROM playbook_collection_version WHERE name = $1 AND version <> $2
           ORDER BY added_at DESC, version LIMIT $3)`,
        [name, version, KEPT_VERSIONS - 1, used],
      )
      return former?.version !== version
    })
  }

  /** Removes a collection with all its versions unless something uses one. Returns who does, or null where there was none. */
  async remove(name: string): Promise<CollectionUse[] | null> {
    return this.database.transaction(async (sql) => {
      const found = await sql.first('SELECT name FROM playbook_collection WHERE name = $1 FOR UPDATE', [name])
      if (!found) return null
      const used = await this.uses.find(sql, name)
      if (used.length === 0) await sql.execute('DELETE FROM playbook_collection WHERE name = $1', [name])
      return used
    })
  }
}

const tooMany = () =>
  new RollcallError(
    'collection.too_many',
    `There are ${MAX_COLLECTIONS} collections of playbooks, and no more can be added. Remove one with "rollcall playbook remove NAME".`,
  )
