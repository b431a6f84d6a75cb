import { Controller, Req, Res } from '@nestjs/common'
import type { Request, Response } from 'express'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AccessService } from './access.service.ts'
import { SessionAnswers, visitorOf } from './session-answers.ts'
import { clearCookie, namedCookie, setCookie } from './session-cookie.ts'
import { SsoService } from './sso.service.ts'

const FLOW = 'rollcall_sso'

/**
 * The provider sends the browser back to a page of ours, and that page asks here: so cookies stay `SameSite=Strict`, and every
 * request that signs somebody in comes from a page of this server.
 */
@Controller()
export class SsoController {
  constructor(
    private readonly sso: SsoService,
    private readonly answers: SessionAnswers,
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
    // Whatever comes of it, this attempt is over.
    clearCookie(response, FLOW)
    const flow = namedCookie(request, FLOW, this.access.isSecure(request))
    return this.answers.begun(await this.sso.finish(body.callback, flow, visitorOf(request)), response)
  }
}
