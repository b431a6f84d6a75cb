import { Injectable } from '@nestjs/common'
import type { Response } from 'express'
import { AccessService, toPrincipal } from './access.service.ts'
import type { SignInResult } from './accounts.service.ts'
import { type KnownRequest } from './principal.ts'
import { toPrincipalView } from './principal.view.ts'
import { setCookie } from './session-cookie.ts'
import { SessionsService, type Visitor } from './sessions.service.ts'

/** Carries out a sign-in by any method and writes its response. */
@Injectable()
export class SignInResponder {
  constructor(
    private readonly sessions: SessionsService,
    private readonly access: AccessService,
  ) {}

  async respond(response: Response, signIn: (visitor: Visitor) => Promise<SignInResult>) {
    const request: KnownRequest = response.req
    const visitor = { address: request.ip ?? '', userAgent: request.headers['user-agent'] ?? '' }
    const { token, needsTotp } = await signIn(visitor)
    setCookie(response, token, this.access.isSecure(request))
    const session = await this.sessions.find(token)
    if (session) request.signedIn = { kind: 'user', id: session.userId, name: session.name }
    const principal = session && !needsTotp ? toPrincipal(session) : undefined
    return { needsTotp, principal: principal ? toPrincipalView(principal) : null }
  }
}
