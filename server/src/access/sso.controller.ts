import { Controller } from '@nestjs/common'
import type { Response } from 'express'
import { Endpoint, Input, type InputOf, Reply } from '../platform/http/endpoint.ts'
import { AccessService } from './access.service.ts'
import { clearCookie, readCookie, setCookie } from './session-cookie.ts'
import { SignInResponder } from './sign-in-responder.ts'
import { SsoService } from './sso.service.ts'

const FLOW = 'rollcall_sso'

/**
 * The provider redirects the browser to a page of this server, and that page calls here. Cookies can therefore stay
 * `SameSite=Strict`.
 */
@Controller()
export class SsoController {
  constructor(
    private readonly sso: SsoService,
    private readonly responder: SignInResponder,
    private readonly access: AccessService,
  ) {}

  @Endpoint('beginSso')
  async begin(@Reply() response: Response) {
    const { url, flow } = await this.sso.begin()
    setCookie(response, flow, this.access.isSecure(response.req), FLOW)
    return { url }
  }

  @Endpoint('finishSso')
  finish(@Input() { body }: InputOf<'finishSso'>, @Reply() response: Response) {
    // The attempt ends here, whatever its outcome.
    clearCookie(response, FLOW)
    const flow = readCookie(response.req, FLOW, this.access.isSecure(response.req))
    return this.responder.respond(response, (visitor) => this.sso.finish(body.callback, flow, visitor))
  }
}
