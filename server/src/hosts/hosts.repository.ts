import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostState, readHostReference } from '@rollcall/contracts/admin'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Agent, Prisma, Host as Row } from '../platform/prisma/generated/client.ts'
import type { Sql, Transaction } from '../platform/prisma/transaction.ts'
import type { Host, HostCredential, HostReach } from './domain/host.ts'
import {
  BUSY_STATES,
  type HostGuard,
  type HostSettings,
  type HostStateChange,
  type HostToStore,
  type HostWork,
  type ProvisioningEnd,
} from './domain/host.ts'

const HOST_PARTS = { agent: true, roll: { select: { lastAnswerAt: true } } } as const

@Injectable()
export class HostsRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Lists all hosts by name. */
  async list(): Promise<Host[]> {
    const rows = await this.database.prisma.host.findMany({
      include: HOST_PARTS,
      orderBy: { name: 'asc' },
    })
    return rows.map(fromRow)
  }

  async find(id: string): Promise<Host | null> {
    const row = await this.database.prisma.host.findUnique({ where: { id }, include: HOST_PARTS })
    return row && fromRow(row)
  }

  /** Finds hosts by id or name. Returns a map from each reference to its host. */
  async findByReference(texts: readonly string[]): Promise<Map<string, Host>> {
    const references = texts.map((text) => ({ text, ...readHostReference(text) }))
    const rows = await this.database.prisma.host.findMany({
      where: {
        OR: [
          { id: { in: references.flatMap((one) => ('id' in one ? [one.id] : [])) } },
          { name: { in: references.flatMap((one) => ('name' in one ? [one.name] : [])) } },
        ],
      },
      include: HOST_PARTS,
    })
    const hosts = rows.map(fromRow)
    const byId = new Map(hosts.map((host) => [host.id, host]))
    const byName = new Map(hosts.map((host) => [host.name, host]))
    const found = new Map<string, Host>()
    for (const one of references) {
      const host = 'id' in one ? byId.get(one.id) : byName.get(one.name)
      if (host) found.set(one.text, host)
    }
    return found
  }

  /** Lists the fields that host selection needs, by name. */
  async listForSelection(): Promise<Pick<Host, 'id' | 'name' | 'labels' | 'state' | 'isInstalled'>[]> {
    return this.database.query(`SELECT host.id, name, labels, state, agent.installed_at IS NOT NULL AS "isInstalled"
       FROM host LEFT JOIN agent ON agent.host_id = host.id ORDER BY name`)
  }

  /** Inserts a host that is being installed, without an agent. Throws a unique violation if the name is taken. */
  async insert(
    { id, name, labels, credential, isDuplicateAllowed, ...reach }: HostToStore,
    commandId: string,
    now: Date,
    prisma: Pick<Transaction, 'host'>,
  ): Promise<void> {
    await prisma.host.create({
      data: {
        ...this.toColumns(id, { ...reach, credential }),
        id,
        name,
        labels,
        isDuplicateAllowed,
        state: 'installing' satisfies HostState,
        stateSince: now,
        lastProvisioning: commandId,
        createdAt: now,
      },
    })
  }

  /** Returns how a host is reached, and the sealed credential that `change` compares; null if there is no host. */
  async reach(id: string): Promise<{ reach: HostReach; sealed: Uint8Array } | null> {
    const row = await this.database.prisma.host.findUnique({ where: { id } })
    if (!row) return null
    const { address, sshPort: port, sshUser: user, hostKey, credential: sealed } = row
    const credential = JSON.parse(this.sealer.open(sealed, toSealContext(id))) as HostCredential
    return { reach: { address, port, user, hostKey, credential }, sealed }
  }

  /** Changes a host's settings. Returns false, and changes nothing, if `onlyIf` does not hold. */
  async change(
    id: string,
    change: HostSettings,
    onlyIf: HostGuard,
    prisma: Pick<Prisma.TransactionClient, 'host'> = this.database.prisma,
  ): Promise<boolean> {
    const { reach, ...settings } = change
    const { labels, sealed, notIn } = onlyIf
    const { count } = await prisma.host.updateMany({
      where: {
        id,
        ...(labels && { labels: { equals: labels } }),
        ...(sealed && { credential: new Uint8Array(sealed) }),
        ...(notIn && { state: { notIn: [...notIn] } }),
      },
      data: { ...settings, ...(reach && this.toColumns(id, reach)) },
    })
    return count === 1
  }

  private toColumns(id: string, { address, port, user, hostKey, credential }: HostReach) {
    return {
      address,
      sshPort: port,
      sshUser: user,
      hostKey,
      credential: this.sealer.seal(JSON.stringify(credential), toSealContext(id)),
    }
  }

  /** Begins work on a host and sets the command as its newest one. Returns false if other work is running. */
  async beginWork(
    id: string,
    state: HostWork,
    commandId: string,
    now: Date,
    transaction: Transaction,
  ): Promise<boolean> {
    const { count } = await transaction.host.updateMany({
      where: { id, state: { notIn: [...BUSY_STATES] } },
      data: { state, stateCode: null, stateReason: null, stateSince: now, lastProvisioning: commandId },
    })
    return count === 1
  }

  /** Stores the machine id of a host and which other host is the same machine. Fields left out are unchanged. */
  async setMachine(
    id: string,
    machine: { machineId?: string | null; sameMachineAs: string | null; isDuplicateAllowed?: true },
    prisma: Pick<Transaction, 'host'> = this.database.prisma,
  ): Promise<void> {
    await prisma.host.updateMany({ where: { id }, data: machine })
  }

  /** Pins the first host key. Throws `host.key_changed` if another was pinned concurrently. */
  async pinHostKey(
    id: string,
    hostKey: string,
    prisma: Pick<Prisma.TransactionClient, 'host'> = this.database.prisma,
  ): Promise<void> {
    const { count } = await prisma.host.updateMany({
      where: { id, OR: [{ hostKey: null }, { hostKey }] },
      data: { hostKey },
    })
    if (count === 0)
      throw new RollcallError(
        'host.key_changed',
        `The host presents the SSH key ${hostKey}, but another key was pinned a moment ago. Find out which one is right before you connect again.`,
      )
  }

  /** Sets or removes hosts whose command has ended, but for those that a newer command has in hand by now. */
  async endProvisioning(transaction: Sql, ends: readonly ProvisioningEnd[]): Promise<void> {
    const isRemoved = ({ state }: ProvisioningEnd) => state === 'removed'
    const [removed, changed] = [ends.filter(isRemoved), ends.filter((end) => !isRemoved(end))]
    if (changed.length > 0)
      await transaction.execute(
        `UPDATE host SET state = ended.state, state_code = code, state_reason = reason, state_since = at
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
           AS ended(host_id, command_id, state, code, reason, at)
         WHERE host.id = ended.host_id AND host.last_provisioning = command_id`,
        [
          changed.map(({ hostId }) => hostId),
          changed.map(({ commandId }) => commandId),
          changed.map(({ state }) => state),
          changed.map(({ code }) => code),
          changed.map(({ reason }) => reason),
          changed.map(({ at }) => at),
        ],
      )
    if (removed.length > 0)
      await transaction.execute(
        `DELETE FROM host USING unnest($1::uuid[], $2::uuid[]) AS ended(host_id, command_id)
         WHERE host.id = ended.host_id AND host.last_provisioning = command_id`,
        [removed.map(({ hostId }) => hostId), removed.map(({ commandId }) => commandId)],
      )
  }

  /** Changes the states of hosts that are still in the state `from`. Returns the ids of those. */
  async changeStates(transaction: Sql, changes: readonly HostStateChange[], now: Date): Promise<string[]> {
    return transaction.ids(
      `UPDATE host SET state = change.state, state_code = change.code, state_reason = change.reason, state_since = $1
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
         AS change(host_id, from_state, state, code, reason)
       WHERE host.id = change.host_id AND host.state = change.from_state RETURNING host.id`,
      [
        now,
        changes.map(({ hostId }) => hostId),
        changes.map(({ from }) => from),
        changes.map(({ state }) => state),
        changes.map(({ code }) => code),
        changes.map(({ reason }) => reason),
      ],
    )
  }

  /** Deletes a host and its agent; its commands remain as history. */
  async delete(id: string): Promise<void> {
    // The roll is locked first, as heartbeats do: the same lock order prevents deadlocks.
    await this.database.execute(
      `WITH called AS (SELECT host_id FROM roll WHERE host_id = $1 FOR UPDATE)
       DELETE FROM host WHERE id = $1 AND (SELECT count(*) FROM called) >= 0`,
      [id],
    )
  }
}

const toSealContext = (id: string) => `host/${id}/credential`

function fromRow(row: Row & { agent: Agent | null; roll: { lastAnswerAt: Date | null } | null }): Host {
  const { agent, roll } = row
  return {
    id: row.id,
    name: row.name,
    address: row.address,
    port: row.sshPort,
    user: row.sshUser,
    labels: row.labels as Record<string, string>,
    state: row.state as HostState,
    stateCode: row.stateCode,
    stateReason: row.stateReason,
    stateSince: row.stateSince,
    hostKey: row.hostKey,
    heartbeatProfile: row.heartbeatProfile,
    autoReinstall: row.autoReinstall,
    lastProvisioning: row.lastProvisioning,
    sameMachineAs: row.sameMachineAs,
    createdAt: row.createdAt,
    agent: agent && {
      port: agent.rpcPort,
      nextPort: agent.nextPort,
      certificatePin: agent.certificatePin,
      serverPin: agent.serverPin,
      version: agent.version,
      architecture: agent.architecture,
      installedAt: agent.installedAt,
      lastAnswerAt: roll?.lastAnswerAt ?? null,
      credentialsAt: agent.credentialsAt,
      rotatedAt: agent.rotatedAt,
    },
    isInstalled: agent?.installedAt != null,
  }
}
