import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { KnownIdentity, StoredIdentity } from './domain/server-identity.ts'

@Injectable()
export class IdentitiesRepository {
  constructor(private readonly database: Database) {}

  newest(): Promise<{ id: number; pin: string } | null> {
    const select = { id: true, pin: true }
    return this.database.prisma.serverIdentity.findFirst({ select, orderBy: { id: 'desc' } })
  }

  find(pin: string): Promise<StoredIdentity | null> {
    return this.database.prisma.serverIdentity.findUnique({ where: { pin } })
  }

  /** Lists the identities with the number of installed agents that know each, newest first. */
  async list(): Promise<KnownIdentity[]> {
    return this.database.query(`SELECT pin, created_at AS "createdAt",
         (SELECT count(*)::int FROM agent WHERE server_pin = server_identity.pin AND installed_at IS NOT NULL) AS agents
       FROM server_identity ORDER BY id DESC`)
  }

  /** Inserts an identity. Does nothing if another server has just taken its id. */
  async insert(identity: StoredIdentity & { id: number; createdAt: Date }): Promise<void> {
    await this.database.prisma.serverIdentity.createMany({ data: [identity], skipDuplicates: true })
  }

  /**
   * Deletes identities that were replaced before `replacedBefore` and that no agent or rotation uses. Returns how many.
   */
  async deleteUnused(replacedBefore: Date): Promise<number> {
    return this.database.execute(
      `DELETE FROM server_identity AS old
       WHERE EXISTS (SELECT 1 FROM server_identity AS newer WHERE newer.id > old.id AND newer.created_at < $1)
         AND NOT EXISTS (SELECT 1 FROM agent WHERE server_pin = old.pin)
         AND NOT EXISTS (SELECT 1 FROM rotation WHERE server_pin = old.pin)`,
      [replacedBefore],
    )
  }
}
