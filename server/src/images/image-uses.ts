import { Injectable } from '@nestjs/common'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { ImageSpare } from './domain/image.ts'

/** Returns the digests that a feature needs, of indexes or manifests, each with who needs it, such as `shop/web`. */
type ImageUse = (sql: Sql) => Promise<readonly { digest: string; user: string }[]>

/** Returns the digests that hosts keep for services without an instance there. */
type ImageSpares = () => Promise<readonly ImageSpare[]>

/** Returns the digests that a host needs: of what runs there or is to run, of what that goes back to, and of spare copies. */
type HostImageUse = (hostId: string) => Promise<readonly string[]>

/** Knows which images are needed: none of those is removed. */
@Injectable()
export class ImageUses {
  private readonly uses: ImageUse[] = []
  private readonly spares: ImageSpares[] = []
  private readonly onHosts: HostImageUse[] = []

  /** Registers a use, once, before the server starts. */
  register(use: ImageUse): void {
    this.uses.push(use)
  }

  /** Registers who has hosts keep images, once, before the server starts. */
  registerSpares(spares: ImageSpares): void {
    this.spares.push(spares)
  }

  /** Registers what a host needs, once, before the server starts. */
  registerOnHosts(use: HostImageUse): void {
    this.onHosts.push(use)
  }

  /** Returns the digests that a host needs. */
  async neededOn(hostId: string): Promise<Set<string>> {
    const all = await Promise.all(this.onHosts.map((use) => use(hostId)))
    return new Set(all.flat())
  }

  /** Returns where each digest is kept as a spare copy. */
  async sparesByDigest(): Promise<Map<string, ImageSpare[]>> {
    const all = await Promise.all(this.spares.map((spares) => spares()))
    return Map.groupBy(all.flat(), ({ digest }) => digest)
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
