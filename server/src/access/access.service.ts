import type { IncomingMessage } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { Config } from '../platform/config/config.ts'
import { isSecure } from '../platform/network/client-address.ts'
import { CONFIG } from '../platform/tokens.ts'
import { ApiKeysService, KEY_FILE } from './api-keys.service.ts'
import { scopeFrom } from './domain/host-scope.ts'
import { isAllowedOrigin } from './domain/origin.ts'
import { rightsOfUser } from './domain/rights.ts'
import type { Principal, Refused } from './principal.ts'
import { cookieOf } from './session-cookie.ts'
import { type FoundSession, SessionsService } from './sessions.service.ts'

/** How long an answer about a key or a cookie holds: what was revoked on another server ends within it. */
const REMEMBER_MS = 2000
const MOST_REMEMBERED = 10_000

type RefusalListener = (request: Refused, route: string, code: ErrorCode) => Promise<void>

/** Tells who is asking, by API key or by session cookie. */
@Injectable()
export class AccessService {
  private readonly listeners: RefusalListener[] = []
  private readonly known = new Map<string, { principal: Principal; untilMs: number }>()

  constructor(
    private readonly keys: ApiKeysService,
    private readonly sessions: SessionsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

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
    const token = cookieOf(request, this.isSecure(request))
    return token ? this.remembered(`session ${token}`, () => this.ofSession(token)) : undefined
  }

  /**
   * Whether a browser sends this request for a page of ours. Programs send neither header, and no cookie by themselves. A
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

  /** Everything is asked anew: somebody's rights, or a session, have changed. */
  forgetAll(): void {
    this.known.clear()
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
    const principal = await find()
    if (!principal) return undefined
    const [oldest] = this.known.keys()
    if (oldest !== undefined && this.known.size >= MOST_REMEMBERED) this.known.delete(oldest)
    this.known.set(name, { principal, untilMs: nowMs + REMEMBER_MS })
    return principal
  }
}

export const principalOf = (session: Omit<FoundSession, 'isPending'>): Principal => ({
  kind: 'user',
  id: session.userId,
  userId: session.userId,
  name: session.name,
  email: session.email,
  role: session.role,
  ...rightsOfUser(session),
  scope: scopeFrom(session.scope),
  sessionId: session.sessionId,
})
