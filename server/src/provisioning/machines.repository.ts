import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { HostsRepository } from '../hosts/index.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma } from '../platform/prisma/generated/client.ts'
import type { BearerOfSigns, MachineSigns, OwnerFacts } from './domain/machine.ts'
import type { PreflightReport } from './domain/preflight-report.ts'

const MAX_BEARERS = 20
/** Of the lock under which signs are looked for and stored, so that of two hosts at once one sees the other. */
const LOCK_NAME = 'rollcall/machines'

@Injectable()
export class MachinesRepository {
  constructor(
    private readonly database: Database,
    private readonly hosts: HostsRepository,
  ) {}

  async fleetId(): Promise<string> {
    return (await this.database.prisma.fleet.findFirstOrThrow()).id
  }

  async ownerFacts(hostId: string | null, report: PreflightReport): Promise<OwnerFacts> {
    const { agent_owner: owner, agent_certificate: certificate, agent_servers: servers } = report
    const { rows } = await this.database.pool.query(
      `SELECT (SELECT id FROM fleet) AS "fleetId",
         EXISTS (SELECT FROM host WHERE id = $1::uuid) AS "isOwnerKnown",
         (SELECT host_id FROM (SELECT host_id, certificate FROM agent UNION ALL SELECT host_id, certificate FROM rotation) AS known
          WHERE encode(sha256(convert_to(certificate, 'UTF8')), 'hex') = $2 LIMIT 1) AS "certificateHolder",
         EXISTS (SELECT FROM server_identity WHERE pin = ANY ($3::text[])) AS "areServersOurs"`,
      [isUuid(owner?.hostId) ? owner?.hostId : null, certificate ?? null, servers ?? []],
    )
    return { hostId, ...rows[0] }
  }

  /** Holds the lock for `work`, which looks for signs and stores them. */
  locked<T>(work: (transaction: Prisma.TransactionClient) => Promise<T>): Promise<T> {
    return this.database.prisma.$transaction(async (transaction) => {
      await lockMachines(transaction)
      return work(transaction)
    })
  }

  /** Other hosts than `exceptId` that bear one of the signs. */
  async bearers(
    signs: MachineSigns,
    exceptId: string | null,
    prisma: Pick<Prisma.TransactionClient, 'host'> = this.database.prisma,
  ): Promise<BearerOfSigns[]> {
    const { hostKey } = signs
    const machineId = hashed(signs.machineId)
    const either = [...(hostKey ? [{ hostKey }] : []), ...(machineId ? [{ machineId }] : [])]
    if (either.length === 0) return []
    const rows = await prisma.host.findMany({
      where: { OR: either, ...(exceptId && { id: { not: exceptId } }) },
      select: { id: true, name: true, labels: true, hostKey: true },
      orderBy: { createdAt: 'asc' },
      take: MAX_BEARERS,
    })
    return rows.map(({ id, name, labels, hostKey: key }) => ({
      id,
      name,
      labels: labels as Record<string, string>,
      hasSameKey: key !== null && key === hostKey,
    }))
  }

  /** Notes which machine a host is, and which other one was found to be the same. What is left out stays. */
  async note(
    hostId: string,
    change: {
      machineId?: string | undefined
      sameMachineAs: string | null
      isDuplicateAllowed?: true | undefined
    },
    prisma: Pick<Prisma.TransactionClient, 'host'> = this.database.prisma,
  ): Promise<void> {
    const { machineId, ...rest } = change
    await this.hosts.setMachine(
      hostId,
      machineId === undefined ? rest : { ...rest, machineId: hashed(machineId) ?? null },
      prisma,
    )
  }

  async find(
    hostId: string,
  ): Promise<{ name: string; labels: Record<string, string>; isDuplicateAllowed: boolean } | null> {
    const row = await this.database.prisma.host.findUnique({
      where: { id: hostId },
      select: { name: true, labels: true, isDuplicateAllowed: true },
    })
    return row && { ...row, labels: row.labels as Record<string, string> }
  }
}

/** Waits for the lock, and holds it until the transaction ends. */
export async function lockMachines(transaction: Prisma.TransactionClient): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${LOCK_NAME}, 0))`
}

/** machine-id(5): it is to be kept from others, and a hash of it tells them apart as well. */
const hashed = (machineId: string | undefined) =>
  machineId && createHash('sha256').update(`rollcall/machine/${machineId}`).digest('hex').slice(0, 32)

const isUuid = (text: string | undefined) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text ?? '')
