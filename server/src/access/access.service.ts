import type { IncomingMessage } from 'node:http'
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { Config } from '../platform/config/config.ts'
import { isSecure } from '../platform/network/client-address.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import { CONFIG } from '../platform/tokens.ts'
import { ApiKeysService, KEY_FILE } from './api-keys.service.ts'
import { scopeFrom } from './domain/host-scope.ts'
import { isAllowedOrigin } from './domain/origin.ts'
import { effectiveRights, grantOfUser } from './domain/rights.ts'
import type { FoundSession } from './domain/session.ts'
import type { Principal, PrincipalRef, Refused } from './principal.ts'
import { toCookie } from './session-cookie.ts'
import { SessionsService } from './sessions.service.ts'
import { UsersRepository } from './users.repository.ts'

/** How long an answer about a key or a cookie holds where no notice ends it: what was revoked on another server ends within it. */
const REMEMBER_MS = 2000
const MAX_REMEMBERED = 10_000
/** On which the database says that somebody's rights, or a host's labels, have changed. */
const CHANNEL = 'rollcall_rights'

type RefusalListener = (request: Refused, route: string, code: ErrorCode) => Promise<void>

/** Tells who is asking, by API key or by session cookie. */
@Injectable()
export class AccessService implements OnModuleInit, OnModuleDestroy {
  private readonly listeners: RefusalListener[] = []
  private readonly changeListeners: (() => void)[] = []
  private unlisten: (() => void) | undefined
  /** Counts the changes of rights: what was read before one is not remembered after it. */
  private epoch = 0
  private readonly known = new Map<string, { principal: Principal; untilMs: number }>()

  constructor(
    private readonly keys: ApiKeysService,
    private readonly sessions: SessionsService,
    private readonly users: UsersRepository,
    private readonly notifications: Notifications,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit() {
    const forget = () => this.forgetAll()
    this.unlisten = this.notifications.listen(CHANNEL, { onNotice: forget, onGap: forget })
  }

  onModuleDestroy() {
    this.unlisten?.()
  }

  /** Throws `request.unauthenticated` for nobody we know. */
  async authenticate(request: IncomingMessage): Promise<Principal> {
    const principal = await this.recognise(request)
    if (principal) return principal
    throw new RollcallError(
      'request.unauthenticated',
      `Sign in, or send an API key as "Authorization: Bearer KEY"; what came was none, or is not known, or has expired. This machine's own key is in the file ${KEY_FILE} of the server's data folder.`,
    )
  }

  async recognise(request: IncomingMessage): Promise<Principal | undefined> {
    const { authorization } = request.headers
    if (authorization !== undefined) {
      const key = /^Bearer ([\x21-\x7e]{1,256})$/.exec(authorization)?.[1]
      return key ? this.remembered(`key ${key}`, () => this.keys.find(key)) : undefined
    }
    const token = toCookie(request, this.isSecure(request))
    return token ? this.remembered(`session ${token}`, () => this.ofSession(token)) : undefined
  }

  /**
   * Tells whether a browser sends this request for a page of ours. Programs send neither header, and no cookie by themselves. A
   * browser sends at least one of them with everything that can change something.
   */
  isFromOwnPage(request: IncomingMessage): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin !== undefined) return this.mayAct(request)
    return site === 'same-origin' || site === 'none'
  }

  /** Says whether the origin of a request, or of a WebSocket's beginning, may act for a browser's user. */
  mayAct(request: IncomingMessage): boolean {
    const { origin, host } = request.headers
    const { allowedOrigins: allowed } = this.config
    return isAllowedOrigin(origin, { host, isSecure: this.isSecure(request), allowed })
  }

  /** Says whether people reach this server by HTTPS. */
  isSecure(request: IncomingMessage): boolean {
    return isSecure(request, this.config)
  }

  /** Calls `listener` for every request that the guard refuses, before it is answered. */
  onRefused(listener: RefusalListener): void {
    this.listeners.push(listener)
  }

  async tellRefused(request: Refused, route: string | undefined, code: ErrorCode): Promise<void> {
    for (const listener of this.listeners) await listener(request, route ?? 'unknown', code)
  }

  /** Finds somebody who has begun something, with what they may do now. Undefined for who was removed, disabled, or is a key that has ended. */
  findByRef({ kind, id }: PrincipalRef): Promise<Principal | undefined> {
    return this.remembered(`${kind} ${id}`, async () => {
      if (!UUID.test(id)) return undefined
      if (kind !== 'user') return this.keys.findById(id)
      const user = await this.users.find(id)
      return user && principalOf({ ...user, userId: id, sessionId: null })
    })
  }

  /** Everything is asked anew: somebody's rights, or a session, have changed. */
  forgetAll(): void {
    this.epoch++
    this.known.clear()
    for (const listener of this.changeListeners) listener()
  }

  /** Calls `listener` whenever somebody's rights, or a host's labels, may have changed. */
  onRightsChanged(listener: () => void): void {
    this.changeListeners.push(listener)
  }

  private async ofSession(token: string): Promise<Principal | undefined> {
    const found = await this.sessions.find(token)
    return found && !found.isPending ? principalOf(found) : undefined
  }

  private async remembered(name: string, find: () => Promise<Principal | undefined>) {
    const nowMs = performance.now()
    const known = this.known.get(name)
    if (known && known.untilMs > nowMs) return known.principal
    this.known.delete(name)
    const { epoch } = this
    const principal = await find()
    if (!principal || epoch !== this.epoch) return principal
    const [oldest] = this.known.keys()
    if (oldest !== undefined && this.known.size >= MAX_REMEMBERED) this.known.delete(oldest)
    this.known.set(name, { principal, untilMs: nowMs + REMEMBER_MS })
    return principal
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type KnownUser = Pick<FoundSession, 'userId' | 'name' | 'email' | 'role' | 'scope'> & {
  isDisabled?: boolean
  sessionId: string | null
}

/** A user as who is acting; undefined for one who is disabled. */
export function principalOf(user: KnownUser): Principal | undefined {
  // Users have no end by themselves, so that the moment does not matter.
  const rights = effectiveRights([grantOfUser({ isDisabled: false, ...user })], new Date(0))
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
