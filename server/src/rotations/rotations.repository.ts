import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { type CredentialSet, STAGED_SERVER_NAME } from '@rollcall/contracts/agent'
import type pg from 'pg'
import { newCredentials } from '../agents/index.ts'
import { ServerIdentities } from '../identities/index.ts'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import { createIdentity } from '../platform/crypto/certificates.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { isAcquirable } from '../platform/leases/lease.ts'
import { Database } from '../platform/prisma/database.ts'
import { ANSWERING_HOSTS, BUSY_HOSTS } from '../platform/prisma/state-sets.ts'
import type { RotationPhase } from './domain/next-step.ts'

/** A host whose agent is called with one of two sets. */
export interface Rotation {
  hostId: string
  id: string
  phase: RotationPhase
  requestedBy: string
  failures: number
  /** The server that advances it. */
  leaseOwner: string
}

/** One set in the clear: it stays in memory. */
export interface SecretSet extends Omit<CredentialSet, 'server_pins'> {
  certificatePin: string
  /** The pin of the identity that the servers show to an agent with this set. */
  serverPin: string
}

export interface RotationSets {
  host: string
  port: number
  old: SecretSet
  new: SecretSet
}

type Table = 'agent' | 'rotation'
interface SealedSet {
  rpc_path: string
  token: Buffer
  secret_key: Buffer
  certificate: string
  private_key: Buffer
  certificate_pin: string
  server_pin: string
}

const COLUMNS = 'rpc_path, token, secret_key, certificate, private_key, certificate_pin, server_pin'
const ASSIGNED =
  'rpc_path = $2, token = $3, secret_key = $4, certificate = $5, private_key = $6, certificate_pin = $7, server_pin = $8'
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
  ) {}

  /** Makes and stores a new set for each host. A rotation that is under way already is left as it is. */
  async begin(hostIds: readonly string[], requestedBy: string, now: Date): Promise<void> {
    const pin = await this.identities.newestPin()
    for (let at = 0; at < hostIds.length; at += INSERT_BATCH)
      await this.database.prisma.rotation.createMany({
        data: hostIds.slice(at, at + INSERT_BATCH).map((hostId) => {
          const [rpcPath, token, secretKey, certificate, privateKey, certificatePin, serverPin] = this.sealed(
            'rotation',
            hostId,
            newSet(pin, now),
          )
          return {
            hostId,
            id: randomUUID(),
            phase: 'made',
            requestedBy,
            startedAt: now,
            dueAt: now,
            rpcPath,
            token,
            secretKey,
            certificate,
            privateKey,
            certificatePin,
            serverPin,
          }
        }),
        skipDuplicates: true,
      })
  }

  /**
   * Hosts that answer, whose credentials are not being rotated, and were made before that or know the servers by another identity than the
   * newest; the oldest first.
   */
  async outdated(before: Date | null, limit: number | null): Promise<string[]> {
    const { rows } = await this.database.pool.query<{ hostId: string }>(
      `SELECT host_id AS "hostId" FROM agent JOIN host ON host.id = host_id
       WHERE (credentials_at < $1 OR server_pin <> $3) AND host.state IN (${ANSWERING_HOSTS})
         AND NOT EXISTS (SELECT 1 FROM rotation WHERE rotation.host_id = agent.host_id)
       ORDER BY credentials_at LIMIT $2`,
      [before, limit, await this.identities.newestPin()],
    )
    return rows.map(({ hostId }) => hostId)
  }

  /** Acquires rotations that are due. One of a host that does not answer is due when a heartbeat has found it again. */
  async acquire(server: string, now: Date, limit: number): Promise<Rotation[]> {
    const { rows } = await this.database.pool.query(
      `WITH due AS (
         SELECT rotation.host_id FROM rotation JOIN host ON host.id = rotation.host_id
         WHERE rotation.due_at <= $1 AND ${isAcquirable('rotation', '$2')} AND ${IS_FREE} AND host.state <> 'offline'
         ORDER BY rotation.due_at LIMIT $3 FOR UPDATE OF rotation SKIP LOCKED
       )
       UPDATE rotation SET lease_owner = $2 FROM due WHERE rotation.host_id = due.host_id
       RETURNING rotation.host_id AS "hostId", id, phase, requested_by AS "requestedBy", failures, lease_owner AS "leaseOwner"`,
      [now, server, limit],
    )
    return rows
  }

  /** Null when the host has left the fleet, or the rotation is over. */
  async sets({ hostId, id, phase }: Rotation): Promise<RotationSets | null> {
    const { rows } = await this.database.pool.query(
      `SELECT host.address AS host, agent.rpc_port AS port,
         ${qualified('agent')}, ${qualified('rotation')}
       FROM rotation JOIN agent USING (host_id) JOIN host ON host.id = host_id
       WHERE host_id = $1 AND rotation.id = $2 AND phase = $3`,
      [hostId, id, phase],
    )
    const [row] = rows
    if (!row) return null
    const present = this.open('agent', hostId, unqualified(row, 'agent'))
    const other = this.open('rotation', hostId, unqualified(row, 'rotation'))
    const { host, port } = row
    return phase === 'switched'
      ? { host, port, old: other, new: present }
      : { host, port, old: present, new: other }
  }

  /**
   * Stores how far it has come. Where that changes with which set the agent is called the two change places, in the same transaction.
   * Returns false, and stores nothing, where the lease was lost or something else is at work on the host.
   */
  async advance(rotation: Rotation, to: RotationPhase, now: Date): Promise<boolean> {
    const { hostId, phase: from } = rotation
    return this.database.transaction(async (client) => {
      if (!(await lock(client, rotation))) return false
      if ((from === 'switched') !== (to === 'switched')) await this.exchange(client, hostId, now)
      await client.query(
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
      await client.query('DELETE FROM rotation WHERE host_id = $1', [hostId])
      await client.query('UPDATE agent SET rotated_at = $2 WHERE host_id = $1', [hostId, now])
      await client.query(
        `INSERT INTO host_event (host_id, host_name, at, from_state, to_state, code, reason)
         SELECT id, name, $2, state, state, NULL, $3 FROM host WHERE id = $1`,
        [hostId, now, `The agent's credentials were rotated, as ${requestedBy} has asked.`],
      )
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
    await this.database.pool.query(
      `UPDATE rotation SET lease_owner = NULL, due_at = $4, failures = $5, reason_code = $6, reason = $7
       WHERE host_id = $1 AND id = $2 AND lease_owner = $3`,
      [hostId, id, leaseOwner, dueAt, failures, why?.code ?? null, why?.message ?? null],
    )
  }

  private async exchange(client: pg.PoolClient, hostId: string, now: Date): Promise<void> {
    const read = async (table: Table) => {
      const { rows } = await client.query(`SELECT ${COLUMNS} FROM ${table} WHERE host_id = $1`, [hostId])
      return this.open(table, hostId, rows[0])
    }
    const [present, other] = [await read('agent'), await read('rotation')]
    const write = (table: Table, set: SecretSet) =>
      client.query(`UPDATE ${table} SET ${ASSIGNED} WHERE host_id = $1`, [
        hostId,
        ...this.sealed(table, hostId, set),
      ])
    await write('agent', other)
    await write('rotation', present)
    await client.query('UPDATE agent SET credentials_at = $2 WHERE host_id = $1', [hostId, now])
  }

  /** In the order of `COLUMNS`. */
  private sealed(table: Table, hostId: string, set: SecretSet) {
    const seal = (value: string, name: string) =>
      Buffer.from(this.sealer.seal(value, `${table}/${hostId}/${name}`))
    return [
      set.rpc_path,
      seal(set.agent_token, 'token'),
      seal(set.secret_key, 'secret-key'),
      set.certificate,
      seal(set.private_key, 'private-key'),
      set.certificatePin,
      set.serverPin,
    ] as const
  }

  private open(table: Table, hostId: string, row: SealedSet): SecretSet {
    const open = (value: Buffer, name: string) => this.sealer.open(value, `${table}/${hostId}/${name}`)
    return {
      rpc_path: row.rpc_path,
      certificate: row.certificate,
      certificatePin: row.certificate_pin,
      serverPin: row.server_pin,
      agent_token: open(row.token, 'token'),
      secret_key: open(row.secret_key, 'secret-key'),
      private_key: open(row.private_key, 'private-key'),
    }
  }
}

/** Locks the host's row first: an installation or upgrade changes that one, and then reads the credentials. */
async function lock(client: pg.PoolClient, { hostId, id, phase, leaseOwner }: Rotation): Promise<boolean> {
  const host = await client.query(`SELECT 1 FROM host WHERE id = $1 AND ${IS_FREE} FOR SHARE`, [hostId])
  const rotation = await client.query(
    'SELECT 1 FROM rotation WHERE host_id = $1 AND id = $2 AND phase = $3 AND lease_owner = $4 FOR UPDATE',
    [hostId, id, phase, leaseOwner],
  )
  return host.rowCount === 1 && rotation.rowCount === 1
}

const names = COLUMNS.split(', ')
const qualified = (table: Table) => names.map((name) => `${table}.${name} AS ${table}_${name}`).join(', ')
const unqualified = (row: Record<string, unknown>, table: Table) =>
  Object.fromEntries(names.map((name) => [name, row[`${table}_${name}`]])) as unknown as SealedSet

function newSet(serverPin: string, now: Date): SecretSet {
  const { token, secretKey, rpcPath } = newCredentials()
  const { certificatePem, privateKeyPem, pin } = createIdentity('rollcall-agent', now)
  return {
    agent_token: token,
    secret_key: secretKey,
    rpc_path: rpcPath,
    certificate: certificatePem,
    private_key: privateKeyPem,
    certificatePin: pin,
    serverPin,
  }
}

/** Where and as whom an agent is called with one of its sets. */
export function toAgentAddress({ host, port, ...sets }: RotationSets, which: 'old' | 'new'): AgentAddress {
  const set = sets[which]
  return {
    host,
    port,
    path: set.rpc_path,
    token: set.agent_token,
    secretKey: set.secret_key,
    certificatePin: set.certificatePin,
    serverPin: set.serverPin,
    ...(which === 'new' && { serverName: STAGED_SERVER_NAME }),
  }
}
