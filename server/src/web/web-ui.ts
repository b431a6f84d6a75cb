import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Express, NextFunction, Request, Response } from 'express'
import expressStaticGzip from 'express-static-gzip'
import { readSessionCookie } from '../access/index.ts'
import { isSecure, type Transport } from '../platform/network/client-address.ts'

const DIST = fileURLToPath(new URL('../../../web/dist/', import.meta.url))
const YEAR_MS = 365 * 86_400_000
const HOUR_MS = 3_600_000
/** Everything else that a browser asks for is a page, which the one document shows. */
const NOT_PAGES = /^\/(api|ws|metrics|health|ready|assets)(\/|$)/

/** The fleet's first rows, as its page asks for them (web/src/features/fleet/fleet-view.ts). */
const FIRST_ROWS = '/api/agents?limit=100&offset=0'

/**
 * Nothing comes from elsewhere, nothing that was written into a page runs, and no other site shows ours in a frame. Styles
 * may stand on elements: Mantine sets widths and colours so, and xterm its cell sizes; they can load nothing.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** Nothing without HTTPS, for half a year. */
const HSTS = 'max-age=15552000'

/** Headers of every answer, the API's too. */
export const securityHeaders =
  (config: Transport) => (request: Request, response: Response, next: NextFunction) => {
    response.set({
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
    if (isSecure(request, config)) response.set('strict-transport-security', HSTS)
    // What somebody was shown stays in no cache, a proxy's neither.
    if (/^\/api(\/|$)/i.test(request.path)) response.set('cache-control', 'no-store')
    next()
  }

/**
 * Serves the built UI, compressed as the build has left it. It holds nothing of the fleet: whoever may not sign in sees how one
 * signs in.
 */
export function serveWebUi(app: Express, config: Transport, dist = DIST): void {
  if (!existsSync(join(dist, 'index.html'))) return
  const compressed = { enableBrotli: true, orderPreference: ['br', 'gz'], index: false as const }
  // The names of these hold a hash of what is in them.
  const forEver = { immutable: true, maxAge: YEAR_MS }
  app.use('/assets', expressStaticGzip(join(dist, 'assets'), { ...compressed, serveStatic: forEver }))
  app.use('/assets', (_request, response) => void response.status(404).end())
  app.use(expressStaticGzip(dist, { ...compressed, serveStatic: { maxAge: HOUR_MS } }))
  const ahead = aheadOfFleet(dist)
  app.use((request, response, next) => {
    if (request.url === '/' && readSessionCookie(request, isSecure(request, config)) !== undefined)
      response.set('link', ahead)
    if (request.method !== 'GET' || NOT_PAGES.test(request.path) || !request.accepts('html')) return next()
    response.set('cache-control', 'no-store').sendFile(join(dist, 'index.html'))
  })
}

/** Lists what the fleet page will need, so that a browser requests it while the scripts are still loading. */
function aheadOfFleet(dist: string): string {
  const scripts = readdirSync(join(dist, 'assets')).filter((name) => /^fleet(-page)?-[\w-]+\.js$/.test(name))
  return [
    ...scripts.map((name) => `</assets/${name}>; rel=modulepreload`),
    `<${FIRST_ROWS}>; rel=preload; as=fetch; crossorigin=anonymous`,
  ].join(', ')
}
