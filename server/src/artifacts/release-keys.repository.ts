import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'

/** A key of the servers as it is stored: its private half is sealed. */
export interface StoredReleaseKey {
  id: number
  publicKey: string
  privateKey: Uint8Array<ArrayBuffer>
  createdAt: Date
}

@Injectable()
export class ReleaseKeysRepository {
  constructor(private readonly database: Database) {}

  /** Lists at most `limit` keys, the newest first. */
  list(limit: number): Promise<StoredReleaseKey[]> {
    return this.database.prisma.releaseKey.findMany({ orderBy: { id: 'desc' }, take: limit })
  }

  /** Inserts a key unless another server has just taken its id. */
  async insert(key: StoredReleaseKey): Promise<void> {
    await this.database.prisma.releaseKey.createMany({ data: [key], skipDuplicates: true })
  }
}
