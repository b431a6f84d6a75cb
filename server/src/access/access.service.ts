import type { IncomingMessage } from 'node:http'
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { Config } from '../platform/config/config.ts'
import { isSecure } from '../platform/network/client-address.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import { CONFIG } from '../platform/tokens.ts'
import { ApiKeysService, KEY_FILE } from './api-keys.service.ts'
import { scopeFrom } from './domain/host-scope.ts'
import { isAllowedOrigin } from './domain/origin.ts'
import { effectiveRights, toUserGrant } from './domain/rights.ts'
import type { FoundSession } from './domain/session.ts'
import type { Principal, PrincipalRef, RefusedRequest } from './principal.ts'
import { readSessionCookie } from './session-cookie.ts'
import { SessionsService } from './sessions.service.ts'
import { UsersRepository } from './users.repository.ts'

/**
 * How long a resolved key or cookie is cached; a revocation on another server takes effect within this time even
 * without a notification.
 */
const CACHE_TTL_MS = 2000
const MAX_CACHED = 10_000
/** The channel on which the database announces changes of rights or labels. */
const CHANNEL = 'rollcall_rights'

type RefusalListener = (request: RefusedRequest, route: string, code: ErrorCode) => Promise<void>

/** Authenticates requests by API key or session cookie. */
@Injectable()
export class AccessService implements OnModuleInit {
  private readonly refusalListeners: RefusalListener[] = []
  private readonly changeListeners: (() => void)[] = []
  /** Counts changes of rights, so that a principal read before a change is not cached after it. */
  private epoch = 0
  private readonly cache = new Map<string, { principal: Principal; untilMs: number }>()

  constructor(
    private readonly keys: ApiKeysService,
    private readonly sessions: SessionsService,
    private readonly users: UsersRepository,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit() {
    const forget = () => this.invalidateAll()
    this.notifications.listen(CHANNEL, { onNotice: forget, onGap: forget })
  }

  /** Returns the caller. Throws `request.unauthenticated` if the caller is unknown. */
  async authenticate(request: IncomingMessage): Promise<Principal> {
    const principal = await this.identify(request)
    if (principal) return principal
    throw new RollcallError(
      'request.unauthenticated',
      `Sign in, or send an API key as "Authorization: Bearer KEY". The credentials of this request are missing, unknown or expired. The key of this machine is in the file ${KEY_FILE} of the server's data folder.`,
    )
  }

  async identify(request: IncomingMessage): Promise<Principal | undefined> {
    const { authorization } = request.headers
    if (authorization !== undefined) {
      const key = /^Bearer ([\x21-\x7e]{1,256})$/.exec(authorization)?.[1]
      return key ? this.findCached(`key ${key}`, () => this.keys.find(key)) : undefined
    }
    const token = readSessionCookie(request, this.isSecure(request))
    return token ? this.findCached(`session ${token}`, () => this.findBySession(token)) : undefined
  }

  /**
   * Tells whether a browser sent this request for a page of this server. Browsers send at least one of the two headers
   * with every request that can change something.
   */
  isFromOwnOrigin(request: IncomingMessage): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin !== undefined) return this.mayAct(request)
    return site === 'same-origin' || site === 'none'
  }

  /** Tells whether the origin of a request or WebSocket handshake may act for the browser's user. */
  mayAct(request: IncomingMessage): boolean {
    const { origin, host } = request.headers
    const { allowedOrigins: allowed } = this.config
    return isAllowedOrigin(origin, { host, isSecure: this.isSecure(request), allowed })
  }

  /** Tells whether users reach this server over HTTPS. */
  isSecure(request: IncomingMessage): boolean {
    return isSecure(request, this.config)
  }

  /** Registers a listener for requests that the guard refuses; it is called before the response. */
  onRefused(listener: RefusalListener): void {
    this.refusalListeners.push(listener)
  }

  async publishRefusal(request: RefusedRequest, route: string | undefined, code: ErrorCode): Promise<void> {
    for (const listener of this.refusalListeners) await listener(request, route ?? 'unknown', code)
  }

  /** Returns a principal with its current rights; undefined if it was removed, disabled or has expired. */
  findByRef({ kind, id }: PrincipalRef): Promise<Principal | undefined> {
    return this.findCached(`${kind} ${id}`, async () => {
      if (!UUID.test(id)) return undefined
      if (kind !== 'user') return this.keys.findById(id)
      const user = await this.users.find(id)
      return user && toPrincipal({ ...user, userId: id, sessionId: null })
    })
  }

  /** Empties the cache after a change of rights or sessions, and notifies the listeners. */
  invalidateAll(): void {
    this.epoch++
    this.cache.clear()
    for (const listener of this.changeListeners) listener()
  }

  /** Registers a listener for possible changes of rights or labels. */
  onRightsChanged(listener: () => void): void {
    this.changeListeners.push(listener)
  }

  private async findBySession(token: string): Promise<Principal | undefined> {
    const found = await this.sessions.find(token)
    return found && !found.isPending ? toPrincipal(found) : undefined
  }

  private async findCached(name: string, find: () => Promise<Principal | undefined>) {
    const nowMs = performance.now()
    const known = this.cache.get(name)
    if (known && known.untilMs > nowMs) return known.principal
    this.cache.delete(name)
    const { epoch } = this
    const principal = await find()
    if (!principal || epoch !== this.epoch) return principal
    const [oldest] = this.cache.keys()
    if (oldest !== undefined && this.cache.size >= MAX_CACHED) this.cache.delete(oldest)
    this.cache.set(name, { principal, untilMs: nowMs + CACHE_TTL_MS })
    return principal
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type KnownUser = Pick<FoundSession, 'userId' | 'name' | 'email' | 'role' | 'scope'> & {
  isDisabled?: boolean
  sessionId: string | null
}

/** Converts a user to a principal; undefined if the user is disabled. */
export function toPrincipal(user: KnownUser): Principal | undefined {
  // Users do not expire, so the time does not matter.
  const rights = effectiveRights([toUserGrant({ isDisabled: false, ...user })], new Date(0))
  if (!rights) return undefined
  return {
    kind: 'user',
    id: user.userId,
    userId: user.userId,
    name: user.name,
    email: user.email,
    role: user.role,
    ...rights,
    scope: scopeFrom(rights.scopeText),
    sessionId: user.sessionId,
  }
}
