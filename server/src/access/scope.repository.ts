import { Injectable } from '@nestjs/common'
import { type HostReference, readHostReference, type ScopedKind } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'
import { type HostScope, scopeParameter } from './domain/host-scope.ts'
import type { NamedHost } from './principal.ts'

const OF_HOST = `EXISTS (
  SELECT 1 FROM host WHERE host.id = about::uuid AND host_fits(labels, $2::jsonb))`
/** A host that has left the fleet has no labels: what it did is for those who may see all. */
const OF_COMMAND = `EXISTS (
  SELECT 1 FROM command JOIN host ON host.id = command.host_id
  WHERE command.id = about::uuid AND host_fits(labels, $2::jsonb))`
/** A run that reaches beyond the scope tells of hosts that do not exist for whoever asks. */
const OF_RUN = `EXISTS (SELECT 1 FROM run WHERE id = about::uuid) AND NOT EXISTS (
  SELECT 1 FROM command LEFT JOIN host ON host.id = command.host_id
  WHERE run_id = about::uuid AND NOT coalesce(host_fits(labels, $2::jsonb), false))`

/** The same for a transfer of files. */
const OF_TRANSFER = `EXISTS (SELECT 1 FROM transfer WHERE id = about::uuid) AND NOT EXISTS (
  SELECT 1 FROM transfer_host LEFT JOIN host ON host.id = transfer_host.host_id
  WHERE transfer_id = about::uuid AND NOT coalesce(host_fits(labels, $2::jsonb), false))`

const CONDITIONS: Record<ScopedKind, string> = {
  host: OF_HOST,
  command: OF_COMMAND,
  run: OF_RUN,
  transfer: OF_TRANSFER,
}

/** Finds whether a named object exists for a caller who may see some hosts only. */
@Injectable()
export class ScopeRepository {
  constructor(private readonly database: Database) {}

  /** Looks a host up by its id or by its name, whichever the text has the form of. Returns null for one that is not there, or not within `scope`. */
  async findHost(scope: HostScope, text: string): Promise<NamedHost | null> {
    const reference: HostReference = readHostReference(text)
    const [condition, value] =
      'id' in reference ? ['id = $1::uuid', reference.id] : ['name = $1', reference.name]
    const { rows } = await this.database.pool.query(
      `SELECT id, name FROM host WHERE ${condition} AND ($2::jsonb IS NULL OR host_fits(labels, $2::jsonb))`,
      [value, scopeParameter(scope)],
    )
    return rows[0] ?? null
  }

  /** Tells whether what has this id exists within `scope`; whoever may see all hosts is told so by whoever holds it. */
  async exists(kind: ScopedKind, scope: HostScope, id: string): Promise<boolean> {
    return (await this.existing(kind, scope, [id])).has(id)
  }

  /** The same for many ids: returns those that exist. */
  async existing(kind: ScopedKind, scope: HostScope, ids: readonly string[]): Promise<Set<string>> {
    if (scope === null || ids.length === 0) return new Set(ids)
    const { rows } = await this.database.pool.query<{ about: string }>(
      `SELECT about FROM unnest($1::text[]) AS asked (about) WHERE ${CONDITIONS[kind]}`,
      [ids, scopeParameter(scope)],
    )
    return new Set(rows.map(({ about }) => about))
  }
}
