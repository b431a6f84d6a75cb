import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import {
  AgentsRepository,
  ASSIGN_CREDENTIALS,
  credentialColumns,
  credentialValues,
  newCredentials,
  openCredentials,
  type SealedCredentials,
  sealCredentials,
} from '../agents/index.ts'
import { HeartbeatsRepository } from '../heartbeats/index.ts'
import { ServerIdentities } from '../identities/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { isAcquirable } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import { ANSWERING_HOSTS, BUSY_HOSTS } from '../platform/prisma/state-sets.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { RotationPhase } from './domain/next-step.ts'
import type { ListedRotation, Rotation, RotationSets } from './domain/rotation.ts'

const SHOWN = {
  id: true,
  phase: true,
  requestedBy: true,
  failures: true,
  startedAt: true,
  reasonCode: true,
  reason: true,
} as const
/** Nothing else is at work on the host with the credentials that it has read. */
const IS_FREE = `host.state NOT IN (${BUSY_HOSTS})`
/** Making a key blocks the event loop for a millisecond or two. */
const INSERT_BATCH = 20

/** Rotations that have not ended, and the sets of credentials that they are about. */
@Injectable()
export class RotationsRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly identities: ServerIdentities,
    private readonly agents: AgentsRepository,
    private readonly heartbeats: HeartbeatsRepository,
  ) {}

  /** Makes and stores a new set for each host. A rotation that is under way already is left as it is. */
  async begin(hostIds: readonly string[], requestedBy: string, now: Date): Promise<void> {
    const pin = await this.identities.newestPin()
    for (let at = 0; at < hostIds.length; at += INSERT_BATCH)
      await this.database.prisma.rotation.createMany({
        data: hostIds.slice(at, at + INSERT_BATCH).map((hostId) => ({
          ...sealCredentials(this.sealer, 'rotation', hostId, newCredentials(pin, now)),
          hostId,
          id: randomUUID(),
          phase: 'made',
          requestedBy,
          startedAt: now,
          dueAt: now,
        })),
        skipDuplicates: true,
      })
  }

  /**
   * Hosts that answer, whose credentials are not being rotated, and were made before that or know the servers by another identity than the
   * newest; the oldest first.
   */
  async outdated(before: Date | null, limit: number | null): Promise<string[]> {
    return this.database.ids(
      `SELECT host_id AS id FROM agent JOIN host ON host.id = host_id
       WHERE (credentials_at < $1 OR server_pin <> $3) AND host.state IN (${ANSWERING_HOSTS})
         AND NOT EXISTS (SELECT 1 FROM rotation WHERE rotation.host_id = agent.host_id)
       ORDER BY credentials_at LIMIT $2`,
      [before, limit, await this.identities.newestPin()],
    )
  }

  /** Returns the credentials of these hosts by name, or of every host with an agent where `hostIds` is null; without secrets. */
  async list(hostIds: readonly string[] | null): Promise<ListedRotation[]> {
    const rows = await this.database.prisma.agent.findMany({
      where: { installedAt: { not: null }, ...(hostIds && { hostId: { in: [...hostIds] } }) },
      select: {
        credentialsAt: true,
        rotatedAt: true,
        host: { select: { id: true, name: true, labels: true } },
        rotation: { select: SHOWN },
      },
      orderBy: { host: { name: 'asc' } },
    })
    return rows.map(({ credentialsAt, rotatedAt, host: { labels, ...host }, rotation }) => ({
      labels: labels as Record<string, string>,
      view: {
        host,
        credentialsAt: credentialsAt.toISOString(),
        rotatedAt: rotatedAt?.toISOString() ?? null,
        rotation: rotation && {
          ...rotation,
          phase: rotation.phase as RotationPhase,
          startedAt: rotation.startedAt.toISOString(),
          reason: rotation.reason && sanitizeText(rotation.reason, 2000),
        },
      },
    }))
  }

  /** Acquires rotations that are due. One of a host that does not answer is due when a heartbeat has found it again. */
  async acquire(server: string, now: Date, limit: number): Promise<Rotation[]> {
    return this.database.query(
      `WITH due AS (
         SELECT rotation.host_id FROM rotation JOIN host ON host.id = rotation.host_id
         WHERE rotation.due_at <= $1 AND ${isAcquirable('rotation', '$2')} AND ${IS_FREE} AND host.state <> 'offline'
         ORDER BY rotation.due_at LIMIT $3 FOR UPDATE OF rotation SKIP LOCKED
       )
       UPDATE rotation SET lease_owner = $2 FROM due WHERE rotation.host_id = due.host_id
       RETURNING rotation.host_id AS "hostId", id, phase, requested_by AS "requestedBy", failures, lease_owner AS "leaseOwner"`,
      [now, server, limit],
    )
  }

  /** Null when the host has left the fleet, or the rotation is over. */
  async sets(rotation: Rotation): Promise<RotationSets | null> {
    const found = await this.read(rotation, this.database)
    if (!found) return null
    const { host, port, present, other } = found
    return rotation.phase === 'switched'
      ? { host, port, old: other, new: present }
      : { host, port, old: present, new: other }
  }

  /** Reads both sets at one moment: with the present one the agent is called. */
  private async read({ hostId, id, phase }: Rotation, sql: Sql) {
    const rows = await sql.query<SealedCredentials & { holder: string; host: string; port: number }>(
      `SELECT host.address AS host, agent.rpc_port AS port, held.*
       FROM rotation JOIN agent USING (host_id) JOIN host ON host.id = host_id CROSS JOIN LATERAL (
         SELECT 'agent' AS holder, ${credentialColumns('agent')}
         UNION ALL SELECT 'rotation', ${credentialColumns('rotation')}
       ) AS held WHERE host_id = $1 AND rotation.id = $2 AND phase = $3 ORDER BY holder`,
      [hostId, id, phase],
    )
    const [agent, rotation] = rows
    return agent && rotation
      ? {
          host: agent.host,
          port: agent.port,
          present: openCredentials(this.sealer, 'agent', hostId, agent),
          other: openCredentials(this.sealer, 'rotation', hostId, rotation),
        }
      : null
  }

  /**
   * Stores how far it has come. Where that changes with which set the agent is called the two change places, in the same transaction.
   * Returns false, and stores nothing, where the lease was lost or something else is at work on the host.
   */
  async advance(rotation: Rotation, to: RotationPhase, now: Date): Promise<boolean> {
    const { hostId, phase: from } = rotation
    return this.database.transaction(async (client) => {
      if (!(await lock(client, rotation))) return false
      if ((from === 'switched') !== (to === 'switched') && !(await this.exchange(client, rotation, now)))
        return false
      await client.execute(
        'UPDATE rotation SET phase = $2, failures = 0, reason_code = NULL, reason = NULL WHERE host_id = $1',
        [hostId, to],
      )
      return true
    })
  }

  /** Drops the old set. Returns false as `advance` does: an installation that began before may bring the old one back. */
  async finish(rotation: Rotation, now: Date): Promise<boolean> {
    const { hostId, requestedBy } = rotation
    return this.database.transaction(async (client) => {
      if (!(await lock(client, rotation))) return false
      await client.execute('DELETE FROM rotation WHERE host_id = $1', [hostId])
      await this.agents.markRotated(hostId, now, client)
      const reason = `The agent's credentials were rotated, as ${requestedBy} has asked.`
      await this.heartbeats.note(hostId, now, { code: null, reason }, client)
      return true
    })
  }

  /** Releases a rotation until `dueAt`. */
  async postpone(
    { hostId, id, leaseOwner }: Rotation,
    dueAt: Date,
    failures: number,
    why: { code: string; message: string } | null,
  ): Promise<void> {
    await this.database.execute(
      `UPDATE rotation SET lease_owner = NULL, due_at = $4, failures = $5, reason_code = $6, reason = $7
       WHERE host_id = $1 AND id = $2 AND lease_owner = $3`,
      [hostId, id, leaseOwner, dueAt, failures, why?.code ?? null, why?.message ?? null],
    )
  }

  /** Returns false, and changes nothing, where the rotation is over. */
  private async exchange(sql: Sql, rotation: Rotation, now: Date): Promise<boolean> {
    const sets = await this.read(rotation, sql)
    if (!sets) return false
    const { hostId } = rotation
    await this.agents.replaceCredentials(hostId, sets.other, now, sql)
    const sealed = sealCredentials(this.sealer, 'rotation', hostId, sets.present)
    const values = [hostId, ...credentialValues(sealed)]
    return (await sql.execute(`UPDATE rotation SET ${ASSIGN_CREDENTIALS} WHERE host_id = $1`, values)) === 1
  }
}

/** Locks the host's row first: an installation or upgrade changes that one, and then reads the credentials. */
async function lock(client: Sql, { hostId, id, phase, leaseOwner }: Rotation): Promise<boolean> {
  const hosts = await client.execute(`SELECT 1 FROM host WHERE id = $1 AND ${IS_FREE} FOR SHARE`, [hostId])
  const rotations = await client.execute(
    'SELECT 1 FROM rotation WHERE host_id = $1 AND id = $2 AND phase = $3 AND lease_owner = $4 FOR UPDATE',
    [hostId, id, phase, leaseOwner],
  )
  return hosts === 1 && rotations === 1
}
