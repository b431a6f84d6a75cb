import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { KeyView, newKey } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { ifMissing } from '../platform/files/if-missing.ts'
import { toKeyView } from './api-key.view.ts'
import { ApiKeysRepository } from './api-keys.repository.ts'
import { type ApiKey, MAX_CHAIN } from './domain/api-key.ts'
import { scopeFrom } from './domain/host-scope.ts'
import { effectiveRights, findExcess } from './domain/rights.ts'
import { hashToken, newToken } from './one-time-links.ts'
import { type Principal, toRights } from './principal.ts'
import { UsersRepository } from './users.repository.ts'

export const KEY_FILE = 'api-key'
const LOCAL_PREFIX = 'local-'
const DAY_MS = 86_400_000
const USE_RECORD_INTERVAL_MS = 60_000

/** Manages API keys: 256 random bits each, stored as SHA-256. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly users: UsersRepository,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
  ) {}

  /** Returns the principal of a key with its current rights; undefined if the key is unknown or has expired. */
  async find(key: string): Promise<Principal | undefined> {
    const found = await this.keys.findByHash(hashToken(key))
    const principal = found && this.toPrincipal(found)
    const now = this.clock.now()
    if (principal && now.getTime() - (found.lastUsedAt?.getTime() ?? 0) > USE_RECORD_INTERVAL_MS)
      await this.keys.recordUse(found.id, now)
    return principal
  }

  /** Returns the principal of a key by its id; undefined if it has expired. */
  async findById(id: string): Promise<Principal | undefined> {
    const found = await this.keys.findById(id)
    return found && this.toPrincipal(found)
  }

  async list(): Promise<KeyView[]> {
    return (await this.keys.list()).map((key) => toKeyView(key, this.clock.now()))
  }

  /** Creates a key that neither exceeds nor outlives its maker. Throws `request.invalid` or `key.name_taken`. */
  async add(wanted: z.output<typeof newKey>, maker: Principal): Promise<{ key: KeyView; secret: string }> {
    const { name, permissions, scope } = wanted
    refuseExcess(wanted, maker)
    const parent = maker.kind === 'user' ? undefined : await this.keys.findById(maker.id)
    if (parent && parent.depth >= MAX_CHAIN)
      throw refusal(
        'name',
        `The key ${parent.name} is at the end of a chain of ${MAX_CHAIN} keys and cannot create another. Use a key further up the chain.`,
      )
    if (name.startsWith(LOCAL_PREFIX))
      throw refusal(
        'name',
        `Names that begin with "${LOCAL_PREFIX}" are reserved for servers' own keys. Choose another name.`,
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
      hash: hashToken(secret),
      expiresAt: earliest(toExpiry(wanted.expiresInDays, createdAt), parent?.expiresAt ?? null),
      ownerId: await this.resolveOwner(wanted.owner, maker),
      parentId: parent?.id ?? null,
    })
    if (!isNew)
      throw new RollcallError(
        'key.name_taken',
        `A key named "${name}" already exists. Choose another name.`,
        {
          fields: [{ field: 'name', message: 'is taken' }],
        },
      )
    const added = await this.keys.findById(id)
    if (!added)
      throw new RollcallError(
        'access.changed_meanwhile',
        'The key was removed immediately after it was created. Try again.',
      )
    return { key: toKeyView(added, this.clock.now()), secret }
  }

  async remove(id: string): Promise<void> {
    if (!(await this.keys.remove(id)))
      throw new RollcallError(
        'key.not_found',
        `The API key does not exist or is a server's own. To replace a server's own key, delete its file ${KEY_FILE} and restart the server.`,
      )
  }

  /**
   * Ensures that this server has a key for the command line on its machine, in a file that only the owner can read. A
   * key whose file is gone is replaced.
   */
  async ensureLocalKey(): Promise<void> {
    const key = (await readFile(this.dataDir.file(KEY_FILE), 'utf8').catch(ifMissing(''))).trim()
    const name = `${LOCAL_PREFIX}${this.dataDir.installationId.slice(0, 8)}`
    if (key && (await this.keys.findHash(name)) === hashToken(key)) return
    const fresh = `rck_${newToken()}`
    // The file first: after a crash in between, the key is unknown and the next start makes another.
    await this.dataDir.write(KEY_FILE, `${fresh}\n`)
    await this.keys.replaceLocal(randomUUID(), name, hashToken(fresh), this.clock.now())
  }

  /**
   * Returns the owner of a new key, who is its maker. Throws `request.invalid` if a maker other than a server's own key
   * names another owner.
   */
  private async resolveOwner(email: string | undefined, maker: Principal): Promise<string | null> {
    if (email === undefined || email === maker.email) return maker.userId
    if (maker.kind !== 'local')
      throw refusal('owner', `You own the keys that you create; "${email}" is another user. Omit the owner.`)
    const owner = await this.users.findByEmail(email)
    if (!owner) throw refusal('owner', `There is no user with the address ${email}.`)
    return owner.id
  }

  private toPrincipal(key: ApiKey): Principal | undefined {
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
}

const toExpiry = (days: number | null, now: Date) =>
  days === null ? null : new Date(now.getTime() + days * DAY_MS)

const earliest = (one: Date | null, other: Date | null) =>
  one === null || (other !== null && other < one) ? other : one

function refuseExcess({ permissions, scope }: z.output<typeof newKey>, maker: Principal): void {
  const excess = findExcess({ permissions: new Set(permissions), scopeText: scope }, toRights(maker))
  if (excess?.kind === 'permission')
    throw refusal('permissions', `You cannot grant "${excess.permission}", because you do not have it.`)
  if (excess)
    throw refusal(
      'scope',
      `Your own scope is ${maker.scopeText?.join(', ')}, and your keys cannot exceed it. Use this scope or a narrower one.`,
    )
}

const refusal = (field: string, message: string) =>
  new RollcallError('request.invalid', message, { fields: [{ field, message }] })
