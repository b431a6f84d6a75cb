import { Injectable } from '@nestjs/common'
import { Batcher } from '../platform/batcher.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'

interface Release {
  id: string
  now: Date
}

/** Which ended commands their agents still keep. */
@Injectable()
export class SpoolCleanupRepository {
  // One at a time, so that more are stored together: nothing waits for them.
  private readonly releases = new Batcher((items: Release[]) => this.markAllReleased(items), {
    size: 250,
    maxConcurrent: 1,
  })

  constructor(private readonly database: Database) {}

  /** Returns commands that ended since `since` and that their agent still keeps, the oldest `perHost` of each host. */
  async unreleased(since: Date, perHost: number, limit: number): Promise<{ id: string; hostId: string }[]> {
    return this.database.query(
      `SELECT id, host_id AS "hostId" FROM (
         SELECT id, host_id, ended_at, row_number() OVER (PARTITION BY host_id ORDER BY ended_at) AS place
         FROM command
         WHERE released_at IS NULL AND kind IN ('command', 'terminal', 'playbook', 'instance') AND state NOT IN (${OPEN_COMMANDS})
           AND dispatched_at IS NOT NULL AND ended_at > $1
       ) AS kept WHERE place <= $2 ORDER BY ended_at LIMIT $3`,
      [since, perHost, limit],
    )
  }

  /** Stores that an agent keeps a command no longer. */
  async markReleased(id: string, now: Date): Promise<void> {
    await this.releases.add({ id, now })
  }

  private async markAllReleased(items: readonly Release[]): Promise<undefined[]> {
    await this.database.execute('UPDATE command SET released_at = $2 WHERE id = ANY($1::uuid[])', [
      items.map(({ id }) => id),
      items[0]?.now,
    ])
    return items.map(() => undefined)
  }
}
