import { Injectable } from '@nestjs/common'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { SecretUse } from './domain/secret.ts'

/** Finds who uses secrets in `sql`: those of these names, or of all for null. */
export type FindSecretUses = (sql: Sql, names: readonly string[] | null) => Promise<SecretUse[]>

/** Asks the features that use secrets which versions they need now; those are kept. */
@Injectable()
export class SecretUses {
  private readonly finders: FindSecretUses[] = []

  /** Registers a feature that uses secrets. */
  register(find: FindSecretUses): void {
    this.finders.push(find)
  }

  async find(sql: Sql, names: readonly string[] | null): Promise<SecretUse[]> {
    const uses: SecretUse[] = []
    // One after the other: a transaction has one connection.
    for (const find of this.finders) uses.push(...(await find(sql, names)))
    return uses
  }
}
