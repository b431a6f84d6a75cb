import { Injectable } from '@nestjs/common'
import type { Sql } from '../platform/prisma/transaction.ts'

/** Returns the digests that a feature needs, of indexes or manifests, each with who needs it, such as `shop/web`. */
type ImageUse = (sql: Sql) => Promise<readonly { digest: string; user: string }[]>

/** Knows which images are needed: none of those is removed. */
@Injectable()
export class ImageUses {
  private readonly uses: ImageUse[] = []

  /** Registers a use, once, before the server starts. */
  register(use: ImageUse): void {
    this.uses.push(use)
  }

  /** Returns who needs each digest. */
  async usersByDigest(sql: Sql): Promise<Map<string, string[]>> {
    const users = new Map<string, Set<string>>()
    for (const use of this.uses)
      for (const { digest, user } of await use(sql))
        users.set(digest, (users.get(digest) ?? new Set()).add(user))
    return new Map([...users].map(([digest, names]) => [digest, [...names].sort()]))
  }
}
