import { Controller, Inject, Req } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Request, Response } from 'express'
import type { Config } from '../platform/config/config.ts'
import { Endpoint, Input, type InputOf, Reply } from '../platform/http/endpoint.ts'
import { CONFIG, VERSION } from '../platform/tokens.ts'
import { AccessService } from './access.service.ts'
import { AccountsService } from './accounts.service.ts'
import { Actor, type Principal } from './principal.ts'
import { toPrincipalView } from './principal.view.ts'
import { clearCookie, readSessionCookie } from './session-cookie.ts'
import { SessionsService } from './sessions.service.ts'
import { SignInResponder } from './sign-in-responder.ts'
import { UsersRepository } from './users.repository.ts'

@Controller()
export class SessionController {
  constructor(
    private readonly access: AccessService,
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly users: UsersRepository,
    private readonly responder: SignInResponder,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(VERSION) private readonly version: string,
  ) {}

  @Endpoint('session')
  async session(@Req() request: Request) {
    const principal = await this.access.identify(request)
    return {
      principal: principal ? toPrincipalView(principal) : null,
      isSetupNeeded: !principal && (await this.users.isEmpty()),
      hasTotp: principal?.kind === 'user' && (await this.accounts.hasTotp(principal.id)),
      ssoName: this.config.oidc?.name ?? null,
      version: this.version,
    }
  }

  @Endpoint('signIn')
  signIn(@Input() { body }: InputOf<'signIn'>, @Reply() response: Response) {
    return this.responder.respond(response, (visitor) =>
      this.accounts.signIn(body.email, body.password, visitor),
    )
  }

  @Endpoint('verifySecondFactor')
  verify(@Input() { body }: InputOf<'verifySecondFactor'>, @Reply() response: Response) {
    return this.responder.respond(response, async (visitor) => {
      const token = readSessionCookie(response.req, this.access.isSecure(response.req))
      const pending = token ? await this.sessions.find(token) : undefined
      if (!pending?.isPending)
        throw new RollcallError('request.unauthenticated', 'Sign in with your password first.')
      return this.accounts.verifySecondFactor(pending, body.code, body.isRecoveryCode, visitor)
    })
  }

  @Endpoint('setUpFirstAdmin')
  setUp(@Input() { body }: InputOf<'setUpFirstAdmin'>, @Reply() response: Response) {
    return this.responder.respond(response, (visitor) => this.accounts.setUpFirstAdmin(body, visitor))
  }

  @Endpoint('acceptInvite')
  acceptInvite(@Input() { body }: InputOf<'acceptInvite'>, @Reply() response: Response) {
    return this.responder.respond(response, (visitor) =>
      this.accounts.acceptInvite(body.token, body.password, visitor),
    )
  }

  @Endpoint('signOut')
  async signOut(@Actor() actor: Principal, @Reply() response: Response) {
    if (actor.sessionId) await this.sessions.end(actor.id, actor.sessionId)
    this.access.invalidateAll()
    clearCookie(response)
    return {}
  }
}
