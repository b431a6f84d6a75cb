import { Injectable } from '@nestjs/common'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import type { Registry as Row } from '../platform/prisma/generated/client.ts'
import type { Registry } from './domain/registry.ts'

@Injectable()
export class RegistriesRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Lists registries by name. */
  async list(): Promise<Registry[]> {
    const rows = await this.database.prisma.registry.findMany({ orderBy: { host: 'asc' } })
    return rows.map((row) => this.fromRow(row))
  }

  async find(host: string): Promise<Registry | null> {
    const row = await this.database.prisma.registry.findUnique({ where: { host } })
    return row && this.fromRow(row)
  }

  /** Stores a registry in place of the one of its name. Returns false where there was one. */
  async store({ password, ...registry }: Registry): Promise<boolean> {
    const { host } = registry
    const data = {
      ...registry,
      password: password === null ? null : this.sealer.seal(password, toSealContext(host)),
    }
    const { prisma } = this.database
    const added = await prisma.registry.createMany({ data, skipDuplicates: true })
    if (added.count === 1) return true
    await prisma.registry.upsert({ where: { host }, create: data, update: data })
    return false
  }

  /** Removes a registry. Returns false where there was none. */
  async remove(host: string): Promise<boolean> {
    return (await this.database.prisma.registry.deleteMany({ where: { host } })).count === 1
  }

  private fromRow({ password, mirrors, ...row }: Row): Registry {
    return {
      ...row,
      mirrors: mirrors as string[],
      password: password && this.sealer.open(password, toSealContext(row.host)),
    }
  }
}

const toSealContext = (host: string) => `registry/${host}/password`
