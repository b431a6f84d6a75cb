import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'

/** Counts the logs that are being read: each is a program on its host. */
@Injectable()
export class LogReadingsRepository {
  constructor(private readonly database: Database) {}

  /** Counts the logs on a host that somebody reads now. */
  async countOpen(hostId: string, requestedBy: string): Promise<number> {
    const { count } = await this.database.one<{ count: number }>(
      `SELECT count(*)::int AS count FROM command WHERE host_id = $1 AND kind = 'instance' AND args->>0 = 'logs'
         AND requested_by = $2 AND state IN (${OPEN_COMMANDS})`,
      [hostId, requestedBy],
    )
    return count
  }
}
