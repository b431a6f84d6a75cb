import { Injectable } from '@nestjs/common'
import { STAGED_SERVER_NAME } from '@rollcall/contracts/agent'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import { certificateDigest } from '../platform/agent-client/agent-connector.ts'
import { Batcher } from '../platform/batcher.ts'
import { createIdentity, type Identity } from '../platform/crypto/certificates.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma } from '../platform/prisma/generated/client.ts'
import { BUSY_HOSTS } from '../platform/prisma/state-sets.ts'
import { type AgentCredentials, newCredentials } from './domain/credentials.ts'

/** An agent's identity with its secrets in the clear; kept in memory only. */
export interface AgentIdentity extends AgentCredentials {
  rpcPort: number
  /** The port that it is being moved to; null where it stays. */
  nextPort: number | null
  /** Where it may listen; null for where the server puts agents. */
  ports: string | null
  certificatePem: string
  privateKeyPem: string
  certificatePin: string
  /** Pin of the server identity that the agent accepts. */
  serverPin: string
}

/** Changes where an agent listens; a field that is left out stays. */
export interface AgentPortChange {
  /** Only for an agent that is not installed yet. */
  rpcPort?: number
  nextPort?: number
  /** Where it may listen, as `7000` or `7000-7100`. */
  ports: string
}

@Injectable()
export class AgentsRepository {
  // After a start all agents are looked up within moments.
  private readonly addresses = new Batcher((hostIds: string[]) => this.readAddresses(hostIds))

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Makes the columns of a new agent, sealed. The caller inserts them with the host. */
  newRow(hostId: string, rpcPort: number, serverPin: string, now: Date) {
    const credentials = newCredentials()
    const identity: Identity = createIdentity('rollcall-agent', now)
    return {
      rpcPort,
      rpcPath: credentials.rpcPath,
      token: this.sealer.seal(credentials.token, `agent/${hostId}/token`),
      secretKey: this.sealer.seal(credentials.secretKey, `agent/${hostId}/secret-key`),
      certificate: identity.certificatePem,
      privateKey: this.sealer.seal(identity.privateKeyPem, `agent/${hostId}/private-key`),
      certificatePin: identity.pin,
      serverPin,
      credentialsAt: now,
    }
  }

  async identity(hostId: string): Promise<AgentIdentity | null> {
    const row = await this.database.prisma.agent.findUnique({ where: { hostId } })
    return (
      row && {
        rpcPort: row.rpcPort,
        nextPort: row.nextPort,
        ports: row.ports,
        rpcPath: row.rpcPath,
        token: this.sealer.open(row.token, `agent/${hostId}/token`),
        secretKey: this.sealer.open(row.secretKey, `agent/${hostId}/secret-key`),
        certificatePem: row.certificate,
        privateKeyPem: this.sealer.open(row.privateKey, `agent/${hostId}/private-key`),
        certificatePin: row.certificatePin,
        serverPin: row.serverPin,
      }
    )
  }

  address(hostId: string): Promise<AgentAddress | null> {
    return this.addresses.add(hostId)
  }

  private async readAddresses(hostIds: readonly string[]): Promise<(AgentAddress | null)[]> {
    const { rows } = await this.database.pool.query(
      `SELECT host.id, host.address, agent.rpc_port AS port, agent.rpc_path AS path, agent.token,
         agent.secret_key AS "secretKey", agent.certificate_pin AS "certificatePin", agent.server_pin AS "serverPin", agent.certificate,
         coalesce(rotation.phase = 'switched', false) AS "isStaged"
       FROM agent JOIN host ON host.id = agent.host_id LEFT JOIN rotation ON rotation.host_id = host.id WHERE host.id = ANY($1::uuid[])`,
      [hostIds],
    )
    const found = new Map<string, AgentAddress>(
      rows.map(
        ({
          id,
          address: host,
          port,
          path,
          token,
          secretKey,
          certificatePin,
          serverPin,
          certificate,
          isStaged,
        }) => [
          id,
          {
            host,
            port,
            path,
            certificatePin,
            serverPin,
            token: this.sealer.open(token, `agent/${id}/token`),
            secretKey: this.sealer.open(secretKey, `agent/${id}/secret-key`),
            certificateDigest: certificateDigest(certificate),
            // The agent may not have dropped the other set yet.
            ...(isStaged && { serverName: STAGED_SERVER_NAME }),
          },
        ],
      ),
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
    const { rows } = await this.database.pool.query(
      `SELECT host_id AS "hostId", rpc_port AS "rpcPort", next_port AS "nextPort" FROM agent JOIN host ON host.id = host_id
       WHERE next_port IS NOT NULL AND host.state NOT IN (${BUSY_HOSTS}) ORDER BY random() LIMIT $1`,
      [limit],
    )
    return rows
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
