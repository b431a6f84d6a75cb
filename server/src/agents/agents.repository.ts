import { Injectable } from '@nestjs/common'
import { STAGED_SERVER_NAME } from '@rollcall/contracts/agent'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import { certificateDigest } from '../platform/agent-client/agent-connector.ts'
import { Batcher } from '../platform/batcher.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma } from '../platform/prisma/generated/client.ts'
import { BUSY_HOSTS } from '../platform/prisma/state-sets.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { AgentCredentials, AgentIdentity, AgentPortChange } from './domain/credentials.ts'
import {
  ASSIGN_CREDENTIALS,
  credentialValues,
  newCredentials,
  openCredentials,
  type SealedCredentials,
  sealCredentials,
} from './sealed-credentials.ts'

interface AddressRow
  extends Pick<SealedCredentials, 'token' | 'secretKey' | 'certificate' | 'certificatePin' | 'serverPin'> {
  id: string
  host: string
  port: number
  path: string
  isStaged: boolean
}

@Injectable()
export class AgentsRepository {
  // After a start all agents are looked up within moments.
  private readonly addresses = new Batcher((hostIds: string[]) => this.readAddresses(hostIds))

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Inserts the agent of a new host, with credentials of its own. Throws a unique violation if its port is taken. */
  async insert(
    hostId: string,
    agent: { rpcPort: number; ports: string | null; serverPin: string },
    now: Date,
    prisma: Pick<Prisma.TransactionClient, 'agent'>,
  ): Promise<void> {
    const sealed = sealCredentials(this.sealer, 'agent', hostId, newCredentials(agent.serverPin, now))
    await prisma.agent.create({ data: { ...agent, ...sealed, hostId, credentialsAt: now } })
  }

  async identity(hostId: string): Promise<AgentIdentity | null> {
    const row = await this.database.prisma.agent.findUnique({ where: { hostId } })
    if (!row) return null
    const { rpcPort, nextPort, ports } = row
    return { rpcPort, nextPort, ports, ...openCredentials(this.sealer, 'agent', hostId, row) }
  }

  /** Replaces the credentials by which an agent is called. */
  async replaceCredentials(hostId: string, next: AgentCredentials, now: Date, sql: Sql): Promise<void> {
    const sealed = sealCredentials(this.sealer, 'agent', hostId, next)
    await sql.execute(`UPDATE agent SET ${ASSIGN_CREDENTIALS}, credentials_at = $9 WHERE host_id = $1`, [
      hostId,
      ...credentialValues(sealed),
      now,
    ])
  }

  async markRotated(hostId: string, now: Date, sql: Sql): Promise<void> {
    await sql.execute('UPDATE agent SET rotated_at = $2 WHERE host_id = $1', [hostId, now])
  }

  address(hostId: string): Promise<AgentAddress | null> {
    return this.addresses.add(hostId)
  }

  private async readAddresses(hostIds: readonly string[]): Promise<(AgentAddress | null)[]> {
    const rows = await this.database.query<AddressRow>(
      `SELECT host.id, host.address AS host, agent.rpc_port AS port, agent.rpc_path AS path, agent.token,
         agent.secret_key AS "secretKey", agent.certificate_pin AS "certificatePin", agent.server_pin AS "serverPin", agent.certificate,
         coalesce(rotation.phase = 'switched', false) AS "isStaged"
       FROM agent JOIN host ON host.id = agent.host_id LEFT JOIN rotation ON rotation.host_id = host.id WHERE host.id = ANY($1::uuid[])`,
      [hostIds],
    )
    const found = new Map<string, AgentAddress>(
      rows.map(({ id, token, secretKey, certificate, isStaged, ...place }) => [
        id,
        {
          ...place,
          token: this.sealer.open(token, `agent/${id}/token`),
          secretKey: this.sealer.open(secretKey, `agent/${id}/secret-key`),
          certificateDigest: certificateDigest(certificate),
          // The agent may not have dropped the other set yet.
          ...(isStaged && { serverName: STAGED_SERVER_NAME }),
        },
      ]),
    )
    return hostIds.map((hostId) => found.get(hostId) ?? null)
  }

  async usedPorts(): Promise<Set<number>> {
    const rows = await this.database.prisma.agent.findMany({ select: { rpcPort: true, nextPort: true } })
    return new Set(
      rows.flatMap(({ rpcPort, nextPort }) => (nextPort === null ? rpcPort : [rpcPort, nextPort])),
    )
  }

  async setPort(hostId: string, rpcPort: number): Promise<void> {
    await this.database.prisma.agent.update({ where: { hostId }, data: { rpcPort } })
  }

  /** Stores where an agent listens, or is being moved to. Returns false, and changes nothing, while another move has not ended. */
  async changePort(
    hostId: string,
    change: AgentPortChange,
    prisma: Pick<Prisma.TransactionClient, 'agent'>,
  ): Promise<boolean> {
    const { count } = await prisma.agent.updateMany({ where: { hostId, nextPort: null }, data: change })
    return count === 1
  }

  /** Ends a move: the agent listens on `port`, which is one of the two. Returns false when the move has ended otherwise meanwhile. */
  async endMove(hostId: string, port: number): Promise<boolean> {
    const { count } = await this.database.prisma.agent.updateMany({
      where: { hostId, nextPort: { not: null }, OR: [{ rpcPort: port }, { nextPort: port }] },
      data: { rpcPort: port, nextPort: null },
    })
    return count === 1
  }

  /** Returns agents whose move has not ended, though no command has their host in hand. */
  async unendedMoves(limit: number): Promise<{ hostId: string; rpcPort: number; nextPort: number }[]> {
    return this.database.query(
      `SELECT host_id AS "hostId", rpc_port AS "rpcPort", next_port AS "nextPort" FROM agent JOIN host ON host.id = host_id
       WHERE next_port IS NOT NULL AND host.state NOT IN (${BUSY_HOSTS}) ORDER BY random() LIMIT $1`,
      [limit],
    )
  }

  /** Stores the release that the agent runs now. */
  async markVersion(hostId: string, version: string): Promise<void> {
    await this.database.prisma.agent.updateMany({ where: { hostId }, data: { version } })
  }

  async markInstalled(
    hostId: string,
    facts: { version: string; architecture: string },
    now: Date,
  ): Promise<void> {
    await this.database.prisma.agent.update({
      where: { hostId },
      data: { ...facts, installedAt: now },
    })
  }
}
