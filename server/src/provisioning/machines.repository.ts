import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { HostsRepository } from '../hosts/index.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Prisma } from '../platform/prisma/generated/client.ts'
import type { IdentifiedHost, MachineIdentifiers, OwnerFacts } from './domain/machine.ts'
import type { PreflightReport } from './domain/preflight-report.ts'

const MAX_MATCHES = 20
/** The lock for finding and storing identifiers, so that of two concurrent hosts one sees the other. */
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
    const known = await this.database.one<Omit<OwnerFacts, 'hostId'>>(
      `SELECT (SELECT id FROM fleet) AS "fleetId",
         EXISTS (SELECT FROM host WHERE id = $1::uuid) AS "isOwnerKnown",
         (SELECT host_id FROM (SELECT host_id, certificate FROM agent UNION ALL SELECT host_id, certificate FROM rotation) AS known
          WHERE encode(sha256(convert_to(certificate, 'UTF8')), 'hex') = $2 LIMIT 1) AS "certificateHolder",
         EXISTS (SELECT FROM server_identity WHERE pin = ANY ($3::text[])) AS "areServersOurs"`,
      [isUuid(owner?.hostId) ? owner?.hostId : null, certificate ?? null, servers ?? []],
    )
    return { hostId, ...known }
  }

  /** Runs `work` under the lock. */
  withLock<T>(work: (transaction: Prisma.TransactionClient) => Promise<T>): Promise<T> {
    return this.database.prisma.$transaction(async (transaction) => {
      await lockMachines(transaction)
      return work(transaction)
    })
  }

  /** Finds hosts other than `exceptId` with one of the identifiers. */
  async findByIdentifiers(
    signs: MachineIdentifiers,
    exceptId: string | null,
    prisma: Pick<Prisma.TransactionClient, 'host'> = this.database.prisma,
  ): Promise<IdentifiedHost[]> {
    const { hostKey } = signs
    const machineId = hashMachineId(signs.machineId)
    const either = [...(hostKey ? [{ hostKey }] : []), ...(machineId ? [{ machineId }] : [])]
    if (either.length === 0) return []
    const rows = await prisma.host.findMany({
      where: { OR: either, ...(exceptId && { id: { not: exceptId } }) },
      select: { id: true, name: true, labels: true, hostKey: true },
      orderBy: { createdAt: 'asc' },
      take: MAX_MATCHES,
    })
    return rows.map(({ id, name, labels, hostKey: key }) => ({
      id,
      name,
      labels: labels as Record<string, string>,
      hasSameKey: key !== null && key === hostKey,
    }))
  }

  /** Stores which machine a host is, and which other host is the same. Fields left out are unchanged. */
  async setMachine(
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
      machineId === undefined ? rest : { ...rest, machineId: hashMachineId(machineId) ?? null },
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

/** Takes the lock until the transaction ends. */
export async function lockMachines(transaction: Prisma.TransactionClient): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${LOCK_NAME}, 0))`
}

/** machine-id(5) requires it to be kept confidential; a hash identifies the machine as well. */
const hashMachineId = (machineId: string | undefined) =>
  machineId && createHash('sha256').update(`rollcall/machine/${machineId}`).digest('hex').slice(0, 32)

const isUuid = (text: string | undefined) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text ?? '')
