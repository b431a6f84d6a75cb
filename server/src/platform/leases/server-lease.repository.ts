import { Injectable } from '@nestjs/common'
import { Database } from '../prisma/database.ts'
import { LEASE_MS } from './lease.ts'

/** Servers that have been gone for this long are forgotten. */
const FORGET_AFTER = "interval '1 day'"

@Injectable()
export class ServerLeaseRepository {
  constructor(private readonly database: Database) {}

  /** Acquires the server's lease, or resets its time to live. */
  async renew(server: string): Promise<void> {
    await this.database.execute(
      `INSERT INTO server_lease (lease_owner, lease_until) VALUES ($1, now() + $2 * interval '1 millisecond')
       ON CONFLICT (lease_owner) DO UPDATE SET lease_until = excluded.lease_until`,
      [server, LEASE_MS],
    )
  }

  /** Has the server's lease expire now, so that others need not wait for it. */
  async release(server: string): Promise<void> {
    // The column is rounded to milliseconds, up as well: now may be half a millisecond from now.
    await this.database.execute(
      `WITH forgotten AS (DELETE FROM server_lease WHERE lease_owner <> $1 AND lease_until < now() - ${FORGET_AFTER})
       UPDATE server_lease SET lease_until = now() - interval '1 millisecond' WHERE lease_owner = $1`,
      [server],
    )
  }
}
