import { Injectable } from '@nestjs/common'
import { Database } from '../platform/prisma/database.ts'
import { type HostScope, scopeParameter } from './domain/host-scope.ts'
import type { ScopedKind } from './domain/named-by.ts'

const BY_NAME_OR_ID = `EXISTS (
  SELECT 1 FROM host WHERE (name = $1 OR id::text = $1) AND host_fits(labels, $2::jsonb))`
/** A host that has left the fleet has no labels: what it did is for those who may see all. */
const OF_COMMAND = `EXISTS (
  SELECT 1 FROM command JOIN host ON host.id = command.host_id
  WHERE command.id::text = $1 AND host_fits(labels, $2::jsonb))`
/** A run that reaches beyond the scope tells of hosts that do not exist for whoever asks. */
const OF_RUN = `EXISTS (SELECT 1 FROM run WHERE id::text = $1) AND NOT EXISTS (
  SELECT 1 FROM command LEFT JOIN host ON host.id = command.host_id
  WHERE run_id::text = $1 AND NOT coalesce(host_fits(labels, $2::jsonb), false))`

/** The same for a transfer of files. */
const OF_TRANSFER = `EXISTS (SELECT 1 FROM transfer WHERE id::text = $1) AND NOT EXISTS (
  SELECT 1 FROM transfer_host LEFT JOIN host ON host.id = transfer_host.host_id
  WHERE transfer_id::text = $1 AND NOT coalesce(host_fits(labels, $2::jsonb), false))`

const CONDITIONS: Record<ScopedKind, string> = {
  host: BY_NAME_OR_ID,
  command: OF_COMMAND,
  run: OF_RUN,
  transfer: OF_TRANSFER,
}

/** Whether what is named exists for somebody who may see some hosts only. */
@Injectable()
export class ScopeRepository {
  constructor(private readonly database: Database) {}

  async exists(kind: ScopedKind, scope: HostScope, about: string): Promise<boolean> {
    if (scope === null) return true
    const { rows } = await this.database.pool.query(`SELECT ${CONDITIONS[kind]} AS "isThere"`, [
      about,
      scopeParameter(scope),
    ])
    return rows[0].isThere
  }
}
