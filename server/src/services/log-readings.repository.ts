import { Injectable } from '@nestjs/common'
import type { PrincipalRef } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../platform/prisma/state-sets.ts'

/** Counts the logs that are being read: each is a program on its host. */
@Injectable()
export class LogReadingsRepository {
  constructor(private readonly database: Database) {}

  /** Counts the logs on a host that somebody reads now. */
  async countOpen(hostId: string, { kind, id }: PrincipalRef): Promise<number> {
    const { count } = await this.database.one<{ count: number }>(
      `SELECT count(*)::int AS count FROM command JOIN run ON run.id = run_id
       WHERE host_id = $1 AND command.kind = 'instance' AND args->>0 = 'logs' AND command.state IN (${OPEN_COMMANDS})
         AND requester_kind = $2 AND requester_id = $3`,
      [hostId, kind, id],
    )
    return count
  }
}
