import { Injectable } from '@nestjs/common'
import type { Request, Response } from 'express'
import { AccessService, toPrincipal } from './access.service.ts'
import type { SignInResult } from './accounts.service.ts'
import { type KnownRequest } from './principal.ts'
import { toPrincipalView } from './principal.view.ts'
import { setCookie } from './session-cookie.ts'
import { SessionsService, type Visitor } from './sessions.service.ts'

export const toVisitor = (request: Request): Visitor => ({
  address: request.ip ?? '',
  userAgent: request.headers['user-agent'] ?? '',
})

/** Writes the response to a sign-in by any method. */
@Injectable()
export class SignInResponder {
  constructor(
    private readonly sessions: SessionsService,
    private readonly access: AccessService,
  ) {}

  async respond({ token, needsTotp }: SignInResult, response: Response) {
    setCookie(response, token, this.access.isSecure(response.req))
    const session = await this.sessions.find(token)
    const request: KnownRequest = response.req
    if (session) request.signedIn = { kind: 'user', id: session.userId, name: session.name }
    const principal = session && !needsTotp ? toPrincipal(session) : undefined
    return { needsTotp, principal: principal ? toPrincipalView(principal) : null }
  }
}
