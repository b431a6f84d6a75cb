import { Injectable } from '@nestjs/common'
import type { HeartbeatProfile } from '@rollcall/contracts/admin'
import { type HostScope, scopeParameter } from '../access/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { Prisma, type HeartbeatProfile as Row } from '../platform/prisma/generated/client.ts'

@Injectable()
export class ProfilesRepository {
  constructor(private readonly database: Database) {}

  /** By name: all, or those that say nothing of other hosts than those in `scope`, or that one of these has. */
  async list(scope: HostScope): Promise<HeartbeatProfile[]> {
    const names = scope === null ? undefined : await this.namesIn(scope)
    const rows = await this.database.prisma.heartbeatProfile.findMany({
      ...(names && { where: { name: { in: names } } }),
      orderBy: { name: 'asc' },
    })
    return rows.map(fromRow)
  }

  private async namesIn(scope: HostScope): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(
      `SELECT name FROM heartbeat_profile profile WHERE labels IS NULL OR EXISTS (
         SELECT 1 FROM host WHERE host_fits(host.labels, $1::jsonb)
           AND (heartbeat_profile = profile.name OR host.labels @> profile.labels))`,
      [scopeParameter(scope)],
    )
    return rows.map(({ name }) => name)
  }

  /** False when the name is taken. */
  async add(profile: HeartbeatProfile): Promise<boolean> {
    const { count } = await this.database.prisma.heartbeatProfile.createMany({
      data: toRow(profile),
      skipDuplicates: true,
    })
    return count === 1
  }

  async change(profile: HeartbeatProfile): Promise<void> {
    await this.database.prisma.heartbeatProfile.updateMany({
      where: { name: profile.name },
      data: toRow(profile),
    })
  }

  /** Removes one that no host names; otherwise resolves to the names of the first hosts that do. */
  async remove(name: string): Promise<string[]> {
    const { prisma } = this.database
    await prisma.heartbeatProfile.deleteMany({ where: { name, hosts: { none: {} } } })
    const users = await prisma.host.findMany({
      where: { heartbeatProfile: name },
      select: { name: true },
      orderBy: { name: 'asc' },
      take: 20,
    })
    return users.map((host) => host.name)
  }
}

const toRow = (profile: HeartbeatProfile) => ({ ...profile, labels: profile.labels ?? Prisma.DbNull })

const fromRow = (row: Row): HeartbeatProfile => ({
  ...row,
  labels: row.labels as Record<string, string> | null,
})
