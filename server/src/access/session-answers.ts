import { Inject, Injectable } from '@nestjs/common'
import type { Request, Response } from 'express'
import type { Config } from '../platform/config/config.ts'
import { CONFIG } from '../platform/tokens.ts'
import { principalOf } from './access.service.ts'
import type { SignedIn } from './accounts.service.ts'
import { type KnownRequest, viewOfPrincipal } from './principal.ts'
import { setCookie } from './session-cookie.ts'
import { SessionsService, type Visitor } from './sessions.service.ts'

export const visitorOf = (request: Request): Visitor => ({
  address: request.ip ?? '',
  userAgent: request.headers['user-agent'] ?? '',
})

/** What everybody is told who has just signed in, by whichever way. */
@Injectable()
export class SessionAnswers {
  constructor(
    private readonly sessions: SessionsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async begun({ token, needsTotp }: SignedIn, response: Response) {
    setCookie(response, token, this.config.publicUrl)
    const session = await this.sessions.find(token)
    const request: KnownRequest = response.req
    if (session) request.signedIn = { kind: 'user', id: session.userId, name: session.name }
    return { needsTotp, principal: session && !needsTotp ? viewOfPrincipal(principalOf(session)) : null }
  }
}
