import { Injectable } from '@nestjs/common'
import { LIVE_SERVERS } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'

/** Bounds how many hosts of the whole fleet pull from one registry at the same time. */
@Injectable()
export class RegistrySlotsRepository {
  constructor(private readonly database: Database) {}

  /** Acquires a slot of each registry for a pull, or none. Returns whether it did. Slots of servers that are gone are free. */
  acquire(
    registries: readonly string[],
    slots: number,
    { holder, serverId }: { holder: string; serverId: string },
  ): Promise<boolean> {
    const sorted = [...new Set(registries)].sort()
    return this.database.transaction(async (sql) => {
      // Those who want slots of a registry wait for each other for this moment, in one order.
      for (const registry of sorted)
        await sql.execute(`SELECT pg_advisory_xact_lock(hashtextextended('registry-slot/' || $1, 0))`, [
          registry,
        ])
      await sql.execute(`DELETE FROM registry_slot WHERE lease_owner NOT IN (${LIVE_SERVERS})`)
      const full = await sql.first(
        `SELECT registry FROM registry_slot WHERE registry = ANY($1) GROUP BY registry HAVING count(*) >= $2`,
        [sorted, slots],
      )
      if (full) return false
      await sql.execute(
        `INSERT INTO registry_slot (registry, slot, holder, lease_owner)
         SELECT wanted.registry, (SELECT min(number) FROM generate_series(1, $2::int) AS number
             WHERE NOT EXISTS (SELECT FROM registry_slot AS taken WHERE taken.registry = wanted.registry AND slot = number)),
           $3, $4 FROM unnest($1::text[]) AS wanted(registry)`,
        [sorted, slots, holder, serverId],
      )
      return true
    })
  }

  /** Releases the slots of a pull. */
  async release(holder: string): Promise<void> {
    await this.database.execute('DELETE FROM registry_slot WHERE holder = $1', [holder])
  }

  /** Releases what this server held before it was started again. */
  async releaseAll(serverId: string): Promise<void> {
    await this.database.execute('DELETE FROM registry_slot WHERE lease_owner = $1', [serverId])
  }
}
