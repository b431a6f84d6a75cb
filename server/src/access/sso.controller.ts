import { Controller, Req, Res } from '@nestjs/common'
import type { Request, Response } from 'express'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AccessService } from './access.service.ts'
import { clearCookie, readCookie, setCookie } from './session-cookie.ts'
import { SignInResponder, toVisitor } from './sign-in-responder.ts'
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
  async begin(@Res({ passthrough: true }) response: Response) {
    const { url, flow } = await this.sso.begin()
    setCookie(response, flow, this.access.isSecure(response.req), FLOW)
    return { url }
  }

  @Endpoint('finishSso')
  async finish(
    @Input() { body }: InputOf<'finishSso'>,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    // The attempt ends here, whatever its outcome.
    clearCookie(response, FLOW)
    const flow = readCookie(request, FLOW, this.access.isSecure(request))
    return this.responder.respond(await this.sso.finish(body.callback, flow, toVisitor(request)), response)
  }
}
