import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { CollectionUse } from '../playbooks/index.ts'
import type { SecretUse } from '../secrets/index.ts'

/** A revision that is to run, runs, or is what a service goes back to. */
const IS_USED = `(EXISTS (SELECT 1 FROM instance WHERE instance.service_id = revision.service_id
    AND (instance.revision_id = revision.id OR running_revision_id = revision.id))
  OR revision.id IN (service.revision_id, service.proven_revision_id))`
const REVISIONS = 'service_revision AS revision JOIN service ON service.id = revision.service_id'

/** Finds which secrets, images and playbooks services need: none of those is removed. */
@Injectable()
export class UsesRepository {
  constructor(private readonly database: Database) {}

  /** Lists the versions of secrets that services use: of these names, or of all for null. */
  async secrets(sql: Sql, names: readonly string[] | null): Promise<SecretUse[]> {
    return sql.query(
      `SELECT DISTINCT secret.key AS name, (secret.value->>'version')::int AS version, project || '/' || name AS by
       FROM ${REVISIONS}, jsonb_each(revision.secrets) AS secret
       WHERE ($1::text[] IS NULL OR secret.key = ANY($1)) AND ${IS_USED} ORDER BY 1, 2, 3`,
      [names],
    )
  }

  /** Lists the versions of a collection of playbooks that services use. */
  async collections(sql: Sql, collection: string): Promise<CollectionUse[]> {
    return sql.query(
      `SELECT DISTINCT revision.playbook->>'version' AS version, project || '/' || name AS by
       FROM ${REVISIONS} WHERE revision.playbook->>'collection' = $1 AND ${IS_USED} ORDER BY 1, 2`,
      [collection],
    )
  }

  /** Lists the digests of images that services use, of indexes and of manifests. */
  async images(sql: Sql): Promise<{ digest: string; user: string }[]> {
    return sql.query(
      `SELECT DISTINCT digests.digest, project || '/' || name AS "user"
       FROM ${REVISIONS}, jsonb_array_elements(revision.images) AS image,
         LATERAL (SELECT image->>'digest' AS digest UNION SELECT jsonb_array_elements(image->'variants')->>'digest') AS digests
       WHERE digests.digest IS NOT NULL AND ${IS_USED} ORDER BY 1, 2`,
    )
  }

  /** Lists the digests that a host needs: of every used revision of services with an instance or a spare copy there. */
  async imagesOn(hostId: string): Promise<string[]> {
    const rows = await this.database.query<{ digest: string }>(
      `SELECT DISTINCT digests.digest
       FROM ${REVISIONS}, jsonb_array_elements(revision.images) AS image,
         LATERAL (SELECT image->>'digest' AS digest UNION SELECT jsonb_array_elements(image->'variants')->>'digest') AS digests
       WHERE digests.digest IS NOT NULL AND ${IS_USED}
         AND (EXISTS (SELECT 1 FROM instance WHERE service_id = service.id AND host_id = $1)
           OR EXISTS (SELECT 1 FROM service_spare WHERE service_id = service.id AND host_id = $1))`,
      [hostId],
    )
    return rows.map(({ digest }) => digest)
  }
}
