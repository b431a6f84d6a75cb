import { Injectable } from '@nestjs/common'
import type { RunLimits, Target } from '@rollcall/contracts/admin'
import { toPrincipalRef } from '../access/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { Database } from '../platform/prisma/database.ts'
import { Prisma, type SavedCommand as Row } from '../platform/prisma/generated/client.ts'
import type { SavedCommand } from './domain/saved-command.ts'

@Injectable()
export class SavedCommandsRepository {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Lists all saved commands by name. */
  async list(): Promise<SavedCommand[]> {
    const rows = await this.database.prisma.savedCommand.findMany({ orderBy: { name: 'asc' } })
    return rows.map((row) => this.fromRow(row))
  }

  async find(where: { id: string } | { name: string }): Promise<SavedCommand | null> {
    const row = await this.database.prisma.savedCommand.findUnique({ where })
    return row && this.fromRow(row)
  }

  async insert(saved: SavedCommand): Promise<void> {
    await this.database.prisma.savedCommand.create({ data: this.toRow(saved) })
  }

  /** Updates a saved command. Returns false if it no longer exists. */
  async update(saved: SavedCommand): Promise<boolean> {
    const { id, createdAt: _, createdBy: __, ...data } = this.toRow(saved)
    const { count } = await this.database.prisma.savedCommand.updateMany({ where: { id }, data })
    return count === 1
  }

  /** Lists the names of schedules that run it, at most 20. */
  async listScheduleNames(id: string): Promise<string[]> {
    const rows = await this.database.prisma.schedule.findMany({
      where: { savedCommandId: id },
      select: { name: true },
      orderBy: { name: 'asc' },
      take: 20,
    })
    return rows.map(({ name }) => name)
  }

  /** Deletes a saved command. Throws if a schedule runs it. */
  async delete(id: string): Promise<void> {
    await this.database.prisma.savedCommand.deleteMany({ where: { id } })
  }

  private toRow({ env, timeoutMs, startWithinMs, target, limits, owner, ...plain }: SavedCommand) {
    return {
      ...plain,
      ownerKind: owner?.kind ?? null,
      ownerId: owner?.id ?? null,
      env: this.sealer.seal(JSON.stringify(env), toSealContext(plain.id)),
      timeoutMs: BigInt(timeoutMs),
      startWithinMs: BigInt(startWithinMs),
      target: target ?? Prisma.DbNull,
      limits: limits ?? Prisma.DbNull,
    }
  }

  private fromRow({ ownerKind, ownerId, ...row }: Row): SavedCommand {
    return {
      ...row,
      owner: toPrincipalRef(ownerKind, ownerId),
      args: row.args as string[],
      env: JSON.parse(this.sealer.open(row.env, toSealContext(row.id))) as Record<string, string>,
      timeoutMs: Number(row.timeoutMs),
      startWithinMs: Number(row.startWithinMs),
      target: row.target as Target | null,
      limits: row.limits as RunLimits | null,
    }
  }
}

const toSealContext = (id: string) => `saved-command/${id}/env`
