import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { KeyView, newKey } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { ApiKeysRepository } from './api-keys.repository.ts'
import { type ApiKey, MAX_CHAIN } from './domain/api-key.ts'
import { scopeFrom } from './domain/host-scope.ts'
import { effectiveRights, excessOf } from './domain/rights.ts'
import { hashOfToken, newToken } from './one-time-links.ts'
import { type Principal, rightsOf } from './principal.ts'
import { UsersRepository } from './users.repository.ts'

export const KEY_FILE = 'api-key'
const LOCAL_PREFIX = 'local-'
const DAY_MS = 86_400_000
const NOTE_USED_MS = 60_000

/** Keys for the API: 256 random bits each, kept as SHA-256. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly users: UsersRepository,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
  ) {}

  /** Whose key this is, with what it is worth now; undefined for one that is not known or has ended. */
  async find(key: string): Promise<Principal | undefined> {
    const found = await this.keys.findByHash(hashOfToken(key))
    const principal = found && this.principalOf(found)
    const now = this.clock.now()
    if (principal && now.getTime() - (found.lastUsedAt?.getTime() ?? 0) > NOTE_USED_MS)
      await this.keys.noteUse(found.id, now)
    return principal
  }

  /** The same for a key that was used before, by its id. */
  async findById(id: string): Promise<Principal | undefined> {
    const found = await this.keys.findById(id)
    return found && this.principalOf(found)
  }

  async list(): Promise<KeyView[]> {
    return (await this.keys.list()).map((key) => this.toView(key))
  }

  /** Makes a key that neither goes beyond nor outlives its maker. Throws `request.invalid` or `key.name_taken`. */
  async add(wanted: z.output<typeof newKey>, maker: Principal): Promise<{ key: KeyView; secret: string }> {
    const { name, permissions, scope } = wanted
    refuseExcess(wanted, maker)
    const parent = maker.kind === 'user' ? undefined : await this.keys.findById(maker.id)
    if (parent && parent.depth >= MAX_CHAIN)
      throw refusal(
        'name',
        `The key ${parent.name} is the last of ${MAX_CHAIN} that were made with one another, and can make none. Use one of those before it.`,
      )
    if (name.startsWith(LOCAL_PREFIX))
      throw refusal(
        'name',
        `Names that begin with "${LOCAL_PREFIX}" are those of servers' own keys. Choose another one.`,
      )
    const secret = `rck_${newToken()}`
    const id = randomUUID()
    const createdAt = this.clock.now()
    const isNew = await this.keys.add({
      id,
      name,
      permissions,
      scope,
      createdAt,
      createdBy: maker.name,
      hash: hashOfToken(secret),
      expiresAt: earliest(expiryOf(wanted.expiresInDays, createdAt), parent?.expiresAt ?? null),
      ownerId: await this.ownerOf(wanted.owner, maker),
      parentId: parent?.id ?? null,
    })
    if (!isNew)
      throw new RollcallError('key.name_taken', `There is a key named "${name}". Choose another name.`, {
        fields: [{ field: 'name', message: 'is taken' }],
      })
    const added = await this.keys.findById(id)
    if (!added) throw new RollcallError('access.changed_meanwhile', 'The key was removed at once. Try again.')
    return { key: this.toView(added), secret }
  }

  async remove(id: string): Promise<void> {
    if (!(await this.keys.remove(id)))
      throw new RollcallError(
        'key.not_found',
        `There is no such API key, or it is a server's own: that one goes when its file ${KEY_FILE} is removed and the server started again.`,
      )
  }

  /**
   * Makes sure that the key for this machine's own command line exists; it stands in a file that only its owner can read.
   * Each server on a database has its own. One whose file is gone is replaced by another.
   */
  async ensureLocalKey(): Promise<void> {
    const key = await readFile(this.dataDir.file(KEY_FILE), 'utf8').then(
      (text) => text.trim(),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        return undefined
      },
    )
    const name = `${LOCAL_PREFIX}${this.dataDir.installationId.slice(0, 8)}`
    if (key && (await this.keys.hashOf(name)) === hashOfToken(key)) return
    const fresh = `rck_${newToken()}`
    // The file first: a crash in between leaves a key that is not known yet, and the next start makes another.
    await this.dataDir.write(KEY_FILE, `${fresh}\n`)
    await this.keys.putLocal(randomUUID(), name, hashOfToken(fresh), this.clock.now())
  }

  /** A key belongs to whoever makes it. Only a server's own key, which is nobody's, may say whose it is to be. */
  private async ownerOf(email: string | undefined, maker: Principal): Promise<string | null> {
    if (email === undefined || email === maker.email) return maker.userId
    if (maker.kind !== 'local')
      throw refusal('owner', `A key that you make is yours; "${email}" is somebody else. Leave it out.`)
    const owner = await this.users.findByEmail(email)
    if (!owner) throw refusal('owner', `There is no user with the address ${email}.`)
    return owner.id
  }

  private principalOf(key: ApiKey): Principal | undefined {
    const rights = effectiveRights(key.chain, this.clock.now())
    if (!rights) return undefined
    return {
      kind: key.kind,
      id: key.id,
      userId: key.owner?.id ?? null,
      name: key.name,
      email: null,
      role: key.kind === 'local' ? 'admin' : null,
      ...rights,
      scope: scopeFrom(rights.scopeText),
      sessionId: null,
    }
  }

  private toView({ chain, depth: _, createdAt, expiresAt, lastUsedAt, ...key }: ApiKey): KeyView {
    return {
      ...key,
      permissionsNow: [...(effectiveRights(chain, this.clock.now())?.permissions ?? [])],
      createdAt: createdAt.toISOString(),
      expiresAt: expiresAt?.toISOString() ?? null,
      lastUsedAt: lastUsedAt?.toISOString() ?? null,
    }
  }
}

const expiryOf = (days: number | null, now: Date) =>
  days === null ? null : new Date(now.getTime() + days * DAY_MS)

const earliest = (one: Date | null, other: Date | null) =>
  one === null || (other !== null && other < one) ? other : one

function refuseExcess({ permissions, scope }: z.output<typeof newKey>, maker: Principal): void {
  const excess = excessOf({ permissions: new Set(permissions), scopeText: scope }, rightsOf(maker))
  if (excess?.kind === 'permission')
    throw refusal('permissions', `You may not give "${excess.permission}": you do not have it yourself.`)
  if (excess)
    throw refusal(
      'scope',
      `Your own scope is ${maker.scopeText?.join(', ')}; a key of yours reaches no further. Give it this one, or a narrower one.`,
    )
}

const refusal = (field: string, message: string) =>
  new RollcallError('request.invalid', message, { fields: [{ field, message }] })
