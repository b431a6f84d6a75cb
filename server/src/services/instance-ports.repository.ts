import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import type { ResolvedPort } from './domain/to-order.ts'

/** The ports of hosts that instances have. */
@Injectable()
export class InstancePortsRepository {
  constructor(private readonly database: Database) {}

  /** Returns the ports of one generation of an instance. */
  of(id: string, generation: number): Promise<ResolvedPort[]> {
    return this.database.query(
      `SELECT container, target, port AS published, protocol, host_ip AS "hostIp" FROM instance_port
       WHERE instance_id = $1 AND generation = $2 ORDER BY container, target, protocol, port`,
      [id, generation],
    )
  }
}
