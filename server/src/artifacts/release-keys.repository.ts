import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { StoredReleaseKey } from './domain/release-key.ts'

@Injectable()
export class ReleaseKeysRepository {
  constructor(private readonly database: Database) {}

  /** Lists at most `limit` keys, newest first. */
  list(limit: number): Promise<StoredReleaseKey[]> {
    return this.database.prisma.releaseKey.findMany({ orderBy: { id: 'desc' }, take: limit })
  }

  /** Inserts a key. Does nothing if another server has just taken its id. */
  async insert(key: StoredReleaseKey): Promise<void> {
    await this.database.prisma.releaseKey.createMany({ data: [key], skipDuplicates: true })
  }
}
