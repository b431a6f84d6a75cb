import { Injectable } from '@nestjs/common'
import type { Request, Response } from 'express'
import { AccessService, principalOf } from './access.service.ts'
import type { SignedIn } from './accounts.service.ts'
import { type KnownRequest } from './principal.ts'
import { toPrincipalView } from './principal.view.ts'
import { setCookie } from './session-cookie.ts'
import { SessionsService, type Visitor } from './sessions.service.ts'

export const visitorOf = (request: Request): Visitor => ({
  address: request.ip ?? '',
  userAgent: request.headers['user-agent'] ?? '',
})

/** Builds the answer to a sign-in, by password or single sign-on. */
@Injectable()
export class SessionAnswers {
  constructor(
    private readonly sessions: SessionsService,
    private readonly access: AccessService,
  ) {}

  async begun({ token, needsTotp }: SignedIn, response: Response) {
    setCookie(response, token, this.access.isSecure(response.req))
    const session = await this.sessions.find(token)
    const request: KnownRequest = response.req
    if (session) request.signedIn = { kind: 'user', id: session.userId, name: session.name }
    const principal = session && !needsTotp ? principalOf(session) : undefined
    return { needsTotp, principal: principal ? toPrincipalView(principal) : null }
  }
}
