import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { Clock } from '../platform/clock/clock.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AccessService } from './access.service.ts'
import { AccountsService, type SignInResult } from './accounts.service.ts'
import { decideSso, type SsoDecision, verifiedEmail } from './domain/decide-sso.ts'
import { type User } from './domain/user.ts'
import { type OidcClaims, OidcClient, type OidcFlow } from './oidc/oidc-client.ts'
import type { Visitor } from './sessions.service.ts'
import { UserIdentitiesRepository } from './user-identities.repository.ts'
import { UsersRepository } from './users.repository.ts'

const FLOW_MS = 10 * 60_000
const CONTEXT = 'sso-flow'

/** Signs users in with the OpenID Connect provider. The result is an ordinary session, including the second factor. */
@Injectable()
export class SsoService {
  constructor(
    private readonly provider: OidcClient,
    private readonly accounts: AccountsService,
    private readonly access: AccessService,
    private readonly users: UsersRepository,
    private readonly identities: UserIdentitiesRepository,
    private readonly clock: Clock,
    @Inject(Sealer) private readonly sealer: Sealer,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Starts a sign-in. `flow` is sealed for a cookie and valid for ten minutes. */
  async begin(): Promise<{ url: string; flow: string }> {
    const { url, flow } = await this.provider.begin()
    const untilMs = this.clock.now().getTime() + FLOW_MS
    const sealed = this.sealer.seal(JSON.stringify({ ...flow, untilMs }), CONTEXT)
    return { url, flow: Buffer.from(sealed).toString('base64url') }
  }

  async finish(callback: string, cookie: string | undefined, visitor: Visitor): Promise<SignInResult> {
    const claims = await this.provider.finish(callback, this.openFlow(cookie))
    // The first admin signs in with the setup link, which proves that they own the server.
    if (await this.users.isEmpty()) throw refused('This server has no admin yet')
    const policy = this.provider.settings()
    const view = await this.identities.find(claims.iss, claims.sub, verifiedEmail(claims, policy))
    const user = await this.apply(decideSso(claims, view, policy), claims)
    return this.accounts.startSession(user, visitor)
  }

  private openFlow(cookie: string | undefined): OidcFlow {
    const text = this.unseal(cookie)
    const flow = text === undefined ? undefined : (JSON.parse(text) as OidcFlow & { untilMs: number })
    if (flow && flow.untilMs > this.clock.now().getTime()) return flow
    throw new RollcallError(
      'access.sso_failed',
      'This browser did not start a sign-in, or took longer than ten minutes. Start again.',
    )
  }

  /** Unseals the cookie; undefined if it was not made here for this purpose. */
  private unseal(cookie: string | undefined): string | undefined {
    if (cookie === undefined || cookie.length > 4096) return undefined
    try {
      return this.sealer.open(Buffer.from(cookie, 'base64url'), CONTEXT)
    } catch (error) {
      this.log.debug({ err: error }, 'failed to unseal the cookie of a single sign-on')
      return undefined
    }
  }

  private async apply(decision: SsoDecision, claims: OidcClaims): Promise<User> {
    if (decision.kind === 'refuse') {
      // Logs only the names of the claims; their values are personal.
      this.log.info(
        { claims: Object.keys(claims).slice(0, 100), why: decision.why },
        'a single sign-on was refused',
      )
      throw refused(decision.why)
    }
    const { iss, sub } = claims
    const now = this.clock.now()
    if (decision.kind === 'create') {
      const { email, rights } = decision
      const user = { id: randomUUID(), email, name: sanitizeText(decision.name, 100), ...rights }
      if (!(await this.identities.add(iss, sub, { ...user, createdAt: now }))) throw changedMeanwhile()
      return this.requireUser(user.id)
    }
    const { userId, isNewLink, rights } = decision
    if (isNewLink && !(await this.identities.link(iss, sub, userId, now))) throw changedMeanwhile()
    const user = await this.requireUser(userId)
    if (rights === null || isSame(rights, user)) return user
    const { name, isDisabled, version } = user
    const changed = await this.users.change(userId, version, { name, isDisabled, ...rights }, true)
    if (changed === undefined) throw changedMeanwhile()
    if (changed === 'last_admin') {
      this.log.warn(
        { userId },
        'keeping the role of the last admin although the provider states other rights',
      )
      return user
    }
    this.access.invalidateAll()
    return changed
  }

  private async requireUser(id: string): Promise<User> {
    const user = await this.users.find(id)
    if (!user || user.isDisabled) throw refused('Your account was removed or disabled')
    return user
  }
}

const isSame = (rights: Pick<User, 'role' | 'scope'>, user: User) =>
  rights.role === user.role && JSON.stringify(rights.scope) === JSON.stringify(user.scope)

const refused = (why: string) =>
  new RollcallError('access.sso_refused', `${why}. Ask an admin of Rollcall, or sign in with your password.`)

const changedMeanwhile = () =>
  new RollcallError('access.changed_meanwhile', 'Your user was changed at the same time. Start again.')
