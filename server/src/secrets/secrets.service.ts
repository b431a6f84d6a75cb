import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { SettableSecret } from '@rollcall/contracts/admin'
import type { Principal } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { NewestVersion, Secret, SecretUse, SecretVersion } from './domain/secret.ts'
import { SecretsRepository } from './secrets.repository.ts'

/** The number of users that a message names. */
const MAX_NAMED = 20

@Injectable()
export class SecretsService {
  constructor(
    private readonly secrets: SecretsRepository,
    private readonly clock: Clock,
  ) {}

  /** Lists all secrets by name, and who uses any. */
  async list(): Promise<{ secrets: Secret[]; uses: SecretUse[] }> {
    return { secrets: await this.secrets.list(), uses: await this.secrets.listUses() }
  }

  /** Returns a secret with its versions, newest first, and who uses them. Throws `secret.not_found`. */
  async show(name: string): Promise<{ secret: Secret; versions: SecretVersion[]; uses: SecretUse[] }> {
    const secret = await this.secrets.find(name)
    if (!secret) throw notFound(name)
    const [versions, uses] = [await this.secrets.listVersions(secret.id), await this.secrets.listUses(name)]
    return { secret, versions, uses }
  }

  /** Sets a secret's value. Returns whether it differs from the newest version. Throws `secret.too_many`. */
  async set({ name, data }: SettableSecret, { name: by }: Principal): Promise<boolean> {
    return this.secrets.set({ name, value: Buffer.from(data, 'base64'), by, at: this.clock.now() })
  }

  /** Removes a secret. Throws `secret.not_found`, and `secret.in_use` while something uses one of its versions. */
  async remove(name: string): Promise<void> {
    const uses = await this.secrets.remove(name)
    if (!uses) throw notFound(name)
    if (uses.length > 0) throw inUse(name, uses)
  }

  /**
   * Returns the newest version of each secret that exists, for plans. In a `transaction`, none of them is removed
   * before it ends.
   */
  versions(names: readonly string[], transaction?: Sql): Promise<Map<string, NewestVersion>> {
    return this.secrets.newest(names, transaction)
  }

  /** Opens the value of one version, for the host that needs it. Throws `secret.not_found`. */
  async open(name: string, version: number): Promise<Buffer> {
    const value = await this.secrets.open(name, version)
    if (value) return value
    throw new RollcallError(
      'secret.not_found',
      `There is no version ${version} of the secret ${name}. Set it, and plan the service again: rollcall secret set ${name}`,
    )
  }
}

const notFound = (name: string) =>
  new RollcallError(
    'secret.not_found',
    `There is no secret named ${name}. List the secrets: rollcall secret list`,
  )

function inUse(name: string, uses: readonly SecretUse[]): RollcallError {
  const users = [...new Set(uses.map(({ by }) => by))]
  const more = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : ''
  return new RollcallError(
    'secret.in_use',
    `The secret ${name} is used by ${users.slice(0, MAX_NAMED).join(', ')}${more}. Apply them without it, or remove them, before you remove it.`,
  )
}
