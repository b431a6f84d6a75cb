import { Injectable } from '@nestjs/common'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { CollectionUse } from './domain/collection-files.ts'

/** Finds in `sql` who uses versions of a collection. */
export type FindCollectionUses = (sql: Sql, collection: string) => Promise<CollectionUse[]>

/** Asks the features that use collections which versions they need now; those are kept. */
@Injectable()
export class CollectionUses {
  private readonly finders: FindCollectionUses[] = []

  /** Registers a feature that uses collections. */
  register(find: FindCollectionUses): void {
    this.finders.push(find)
  }

  async find(sql: Sql, collection: string): Promise<CollectionUse[]> {
    const uses: CollectionUse[] = []
    // One after the other: a transaction has one connection.
    for (const find of this.finders) uses.push(...(await find(sql, collection)))
    return uses
  }
}
