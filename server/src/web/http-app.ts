import type { NestExpressApplication } from '@nestjs/platform-express'
import type { NextFunction, Request, Response } from 'express'
import { limitReceiving } from '../platform/http/receive-limit.ts'
import { type Transport, toClient } from '../platform/network/client-address.ts'
import { securityHeaders, serveWebUi } from './web-ui.ts'

const MAX_BODY = '2mb'

/** Installs what precedes every route: body parsing, client addresses, headers and the UI. */
export function prepareHttp(app: NestExpressApplication, config: Transport): void {
  app.disable('x-powered-by')
  // Node's limit would break off uploads that take longer.
  app.getHttpServer().requestTimeout = 0
  app.use(limitReceiving())
  app.use((request: Request, _response: Response, next: NextFunction) => {
    const { address } = toClient(request, config.trustedProxies)
    Object.defineProperty(request, 'ip', { value: address, configurable: true })
    next()
  })
  app.use(securityHeaders(config))
  app.useBodyParser('json', { limit: MAX_BODY, strict: true })
  serveWebUi(app.getHttpAdapter().getInstance(), config)
}
