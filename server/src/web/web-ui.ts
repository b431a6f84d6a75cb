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
/** Every other path is a page of the single document. */
const NOT_PAGES = /^\/(api|ws|metrics|health|ready|assets)(\/|$)/

/** The first rows of the fleet, as its page requests them (web/src/features/fleet/fleet-view.ts). */
const FIRST_ROWS = '/api/agents?limit=100&offset=0'

/**
 * Allows no foreign sources, no inline scripts and no framing by other sites. Inline styles are needed for the sizes
 * that Mantine and xterm set; they can load nothing.
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

/** Requires HTTPS for half a year. */
const HSTS = 'max-age=15552000'

/** Sets security headers on every response, including the API's. */
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
    // API responses must not be cached, including by proxies.
    if (/^\/api(\/|$)/i.test(request.path)) response.set('cache-control', 'no-store')
    next()
  }

/** Serves the built UI as compressed by the build. It contains no fleet data, so it needs no sign-in. */
export function serveWebUi(app: Express, config: Transport, dist = DIST): void {
  if (!existsSync(join(dist, 'index.html'))) return
  const compressed = { enableBrotli: true, orderPreference: ['br', 'gz'], index: false as const }
  // These file names contain a content hash.
  const immutable = { immutable: true, maxAge: YEAR_MS }
  app.use('/assets', expressStaticGzip(join(dist, 'assets'), { ...compressed, serveStatic: immutable }))
  app.use('/assets', (_request, response) => void response.status(404).end())
  app.use(expressStaticGzip(dist, { ...compressed, serveStatic: { maxAge: HOUR_MS } }))
  const ahead = toPreloadHeader(dist)
  app.use((request, response, next) => {
    if (request.url === '/' && readSessionCookie(request, isSecure(request, config)) !== undefined)
      response.set('link', ahead)
    if (request.method !== 'GET' || NOT_PAGES.test(request.path) || !request.accepts('html')) return next()
    response.set('cache-control', 'no-store').sendFile(join(dist, 'index.html'))
  })
}

/** Lists what the fleet page needs, so that browsers fetch it while scripts load. */
function toPreloadHeader(dist: string): string {
  const scripts = readdirSync(join(dist, 'assets')).filter((name) => /^fleet(-page)?-[\w-]+\.js$/.test(name))
  return [
    ...scripts.map((name) => `</assets/${name}>; rel=modulepreload`),
    `<${FIRST_ROWS}>; rel=preload; as=fetch; crossorigin=anonymous`,
  ].join(', ')
}
