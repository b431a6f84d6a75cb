import { Injectable } from '@nestjs/common'
import { type HostReference, readHostReference, type ScopedKind } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'
import { type HostScope, scopeParameter } from './domain/host-scope.ts'
import type { NamedHost } from './principal.ts'

const HOST_EXISTS = `EXISTS (
  SELECT 1 FROM host WHERE host.id = about::uuid AND host_fits(labels, $2::jsonb))`
/** A deleted host has no labels, so its commands are visible only to whole-fleet callers. */
const COMMAND_EXISTS = `EXISTS (
  SELECT 1 FROM command JOIN host ON host.id = command.host_id
  WHERE command.id = about::uuid AND host_fits(labels, $2::jsonb))`
/** A run that reaches beyond the scope would reveal hosts outside it. */
const RUN_EXISTS = `EXISTS (SELECT 1 FROM run WHERE id = about::uuid) AND NOT EXISTS (
  SELECT 1 FROM command LEFT JOIN host ON host.id = command.host_id
  WHERE run_id = about::uuid AND NOT coalesce(host_fits(labels, $2::jsonb), false))`

/** The same for a transfer of files. */
const TRANSFER_EXISTS = `EXISTS (SELECT 1 FROM transfer WHERE id = about::uuid) AND NOT EXISTS (
  SELECT 1 FROM transfer_host LEFT JOIN host ON host.id = transfer_host.host_id
  WHERE transfer_id = about::uuid AND NOT coalesce(host_fits(labels, $2::jsonb), false))`

const CONDITIONS: Record<ScopedKind, string> = {
  host: HOST_EXISTS,
  command: COMMAND_EXISTS,
  run: RUN_EXISTS,
  transfer: TRANSFER_EXISTS,
}

/** Checks which resources exist within a scope. */
@Injectable()
export class ScopeRepository {
  constructor(private readonly database: Database) {}

  /** Finds a host by id or name, depending on the form of the text. Returns null if there is none within `scope`. */
  async findHost(scope: HostScope, text: string): Promise<NamedHost | null> {
    const reference: HostReference = readHostReference(text)
    const [condition, value] =
      'id' in reference ? ['id = $1::uuid', reference.id] : ['name = $1', reference.name]
    return this.database.first(
      `SELECT id, name FROM host WHERE ${condition} AND ($2::jsonb IS NULL OR host_fits(labels, $2::jsonb))`,
      [value, scopeParameter(scope)],
    )
  }

  /**
   * Tells whether a resource exists within `scope`. For the whole fleet it always returns true, and the owner of the
   * resource checks.
   */
  async exists(kind: ScopedKind, scope: HostScope, id: string): Promise<boolean> {
    return (await this.filterExisting(kind, scope, [id])).has(id)
  }

  /** Returns which of many ids exist within `scope`. */
  async filterExisting(kind: ScopedKind, scope: HostScope, ids: readonly string[]): Promise<Set<string>> {
    if (scope === null || ids.length === 0) return new Set(ids)
    const rows = await this.database.query<{ about: string }>(
      `SELECT about FROM unnest($1::text[]) AS asked (about) WHERE ${CONDITIONS[kind]}`,
      [ids, scopeParameter(scope)],
    )
    return new Set(rows.map(({ about }) => about))
  }
}
