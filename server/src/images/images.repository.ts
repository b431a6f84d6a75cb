import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { LIVE_SERVERS } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { blobsOf, type ImageContent, type ImageVariant, type StoredImage, usersOf } from './domain/image.ts'
import { ImageUses } from './image-uses.ts'

const COLUMNS = `image.id, repository, tag, image.digest, source, added_by AS "addedBy", added_at AS "addedAt",
  replaced_at AS "replacedAt", coalesce((SELECT jsonb_agg(jsonb_build_object('architecture', architecture, 'digest', variant.digest,
    'mediaType', media_type, 'bytes', bytes, 'blobs', blobs) ORDER BY architecture)
  FROM image_variant variant WHERE image_id = image.id), '[]') AS variants`
/** The order in which images are listed: those with a tag first, then the younger. */
const ORDER = 'repository, tag NULLS LAST, added_at DESC, id'
const HAS_DIGEST = `(image.digest = $1 OR id IN (SELECT image_id FROM image_variant variant WHERE variant.digest = $1))`
/** Keeps what a transaction has read until its end. */
const toShare = (transaction: Sql | undefined) => (transaction ? 'FOR SHARE OF image' : '')

type NewImage = ImageContent & Pick<StoredImage, 'repository' | 'tag' | 'source' | 'addedBy' | 'addedAt'>

@Injectable()
export class ImagesRepository {
  constructor(
    private readonly database: Database,
    private readonly uses: ImageUses,
  ) {}

  /** Lists all images by name. */
  list(): Promise<StoredImage[]> {
    return this.database.query(`SELECT ${COLUMNS} FROM image ORDER BY ${ORDER}`)
  }

  find(id: string): Promise<StoredImage | null> {
    return this.database.first(`SELECT ${COLUMNS} FROM image WHERE id = $1`, [id])
  }

  /** Lists the images that go by a tag: at most one. In a `transaction`, it is not removed before that ends. */
  byTag(repository: string, tag: string, transaction?: Sql): Promise<StoredImage[]> {
    return (transaction ?? this.database).query(
      `SELECT ${COLUMNS} FROM image WHERE repository = $1 AND tag = $2 ${toShare(transaction)}`,
      [repository, tag],
    )
  }

  /**
   * Lists the images with a digest, of the index or of a manifest; with `repository` those of that name. In a `transaction`, none is removed
   * before that ends.
   */
  byDigest(digest: string, repository: string | null = null, transaction?: Sql): Promise<StoredImage[]> {
    return (transaction ?? this.database).query(
      `SELECT ${COLUMNS} FROM image WHERE ${HAS_DIGEST} AND ($2::text IS NULL OR repository = $2)
       ORDER BY ${ORDER} ${toShare(transaction)}`,
      [digest, repository],
    )
  }

  /** Returns who needs each digest. */
  usersByDigest(): Promise<Map<string, string[]>> {
    return this.uses.usersByDigest(this.database)
  }

  /** Returns a variant of any image, by the digest of its manifest. */
  findVariant(digest: string): Promise<ImageVariant | null> {
    return this.database.first(
      `SELECT architecture, digest, media_type AS "mediaType", bytes::float8 AS bytes, blobs
       FROM image_variant WHERE digest = $1 LIMIT 1`,
      [digest],
    )
  }

  /** Stores an image, and that this server has its blobs. It takes its tag from another version, which stays without one. Returns its id. */
  store(image: NewImage, serverId: string): Promise<string> {
    const { repository, tag, digest, source, addedBy, addedAt } = image
    return this.database.transaction(async (client) => {
      // One at a time: what goes by a tag stays so until the end.
      await client.execute('LOCK TABLE image IN SHARE ROW EXCLUSIVE MODE')
      await client.execute(
        'UPDATE image SET tag = NULL, replaced_at = $4 WHERE repository = $1 AND tag = $2 AND digest <> $3',
        [repository, tag, digest, addedAt],
      )
      const known = await client.first<{ id: string }>(
        `SELECT id FROM image WHERE repository = $1 AND digest = $2 AND (tag IS NULL OR tag = $3 OR $3::text IS NULL)
         ORDER BY tag NULLS LAST LIMIT 1`,
        [repository, digest, tag],
      )
      const id = known?.id ?? randomUUID()
      await client.execute(
        `INSERT INTO image (id, repository, tag, digest, source, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET tag = coalesce(excluded.tag, image.tag), source = excluded.source,
           added_by = excluded.added_by, added_at = excluded.added_at, replaced_at = NULL`,
        [id, repository, tag, digest, source, addedBy, addedAt],
      )
      await storeVariants(client, id, image)
      await insertBlobs(client, digestsIn(image), serverId, addedAt)
      return id
    })
  }

  /** Removes an image, unless it is used and no other has its content. Returns who uses it then, or null if there is no such image. */
  async remove({ id, ...content }: StoredImage): Promise<string[] | null> {
    return this.database.transaction(async (sql) => {
      // Locked before it is asked who uses them: what is applied meanwhile holds those that it uses.
      const same = await sql.ids(`SELECT id FROM image WHERE ${HAS_DIGEST} ORDER BY id FOR UPDATE`, [
        content.digest,
      ])
      if (!same.includes(id)) return null
      const users = same.length > 1 ? [] : usersOf(content, await this.uses.usersByDigest(sql))
      if (users.length === 0) await sql.execute('DELETE FROM image WHERE id = $1', [id])
      return users
    })
  }

  /** Removes images whose tag was taken before `before` and that nothing uses. Returns how many. */
  removeReplaced(before: Date): Promise<number> {
    return this.database.transaction(async (sql) => {
      const replaced = await sql.ids(
        'SELECT id FROM image WHERE tag IS NULL AND replaced_at < $1 ORDER BY id FOR UPDATE SKIP LOCKED',
        [before],
      )
      if (replaced.length === 0) return 0
      return sql.execute(
        `DELETE FROM image WHERE id = ANY($1) AND digest <> ALL($2::text[])
           AND NOT EXISTS (SELECT FROM image_variant variant WHERE image_id = image.id AND variant.digest = ANY($2::text[]))`,
        [replaced, [...(await this.uses.usersByDigest(sql)).keys()]],
      )
    })
  }

  /** Writes down which of the blobs of images this server has. */
  async recordBlobs(digests: readonly string[], serverId: string, now: Date): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.execute('DELETE FROM image_blob WHERE server_id = $1 AND digest <> ALL($2::text[])', [
        serverId,
        digests,
      ])
      await insertBlobs(client, digests, serverId, now)
    })
  }

  /** Writes down that this server has the blobs of an image. */
  async addBlobs(image: ImageContent, serverId: string, now: Date): Promise<void> {
    await insertBlobs(this.database, digestsIn(image), serverId, now)
  }

  /** Returns whether another live server has all of these blobs. */
  async isElsewhere(digests: readonly string[], serverId: string): Promise<boolean> {
    const found = await this.database.first(
      `SELECT server_id FROM image_blob WHERE digest = ANY($1::text[]) AND server_id <> $2
         AND server_id IN (${LIVE_SERVERS}) GROUP BY server_id HAVING count(*) = $3`,
      [digests, serverId, digests.length],
    )
    return found !== null
  }

  /** Writes down that a host was given a manifest with all that it names. */
  async recordDelivery(digest: string, hostId: string, now: Date): Promise<void> {
    await this.database.execute(
      `INSERT INTO image_host (digest, host_id, delivered_at) SELECT $1, id, $3 FROM host WHERE id = $2
       ON CONFLICT (digest, host_id) DO UPDATE SET delivered_at = excluded.delivered_at`,
      [digest, hostId, now],
    )
  }

  /** Lists the manifests that a host was given before `before`, the oldest first. */
  async deliveredTo(hostId: string, before: Date): Promise<string[]> {
    const rows = await this.database.query<{ digest: string }>(
      'SELECT digest FROM image_host WHERE host_id = $1 AND delivered_at <= $2 ORDER BY delivered_at, digest',
      [hostId, before],
    )
    return rows.map(({ digest }) => digest)
  }

  /** Forgets that a host was given manifests, which it does not have any more. */
  async forgetDeliveries(hostId: string, digests: readonly string[]): Promise<void> {
    await this.database.execute('DELETE FROM image_host WHERE host_id = $1 AND digest = ANY($2)', [
      hostId,
      digests,
    ])
  }

  /** Lists the hosts that were given each manifest. */
  onHosts(): Promise<{ digest: string; hostId: string }[]> {
    return this.database.query('SELECT digest, host_id AS "hostId" FROM image_host')
  }
}

const digestsIn = (image: ImageContent) => blobsOf(image).map(({ digest }) => digest)

async function storeVariants(client: Sql, imageId: string, { variants }: ImageContent): Promise<void> {
  for (const { architecture, digest, mediaType, bytes, blobs } of variants)
    await client.execute(
      `INSERT INTO image_variant (image_id, architecture, digest, media_type, bytes, blobs)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (image_id, architecture) DO UPDATE SET digest = excluded.digest,
         media_type = excluded.media_type, bytes = excluded.bytes, blobs = excluded.blobs`,
      [imageId, architecture, digest, mediaType, bytes, JSON.stringify(blobs)],
    )
}

async function insertBlobs(client: Sql, digests: readonly string[], serverId: string, now: Date) {
  await client.execute(
    `INSERT INTO image_blob (digest, server_id, stored_at) SELECT digest, $2, $3 FROM unnest($1::text[]) AS digest
     ON CONFLICT DO NOTHING`,
    [digests, serverId, now],
  )
}
