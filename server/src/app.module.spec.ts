import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { ADMIN_ROUTES, type AdminRouteName, type Route } from '@rollcall/contracts/admin'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppModule } from './app.module.ts'
import { makeIdentity } from './platform/crypto/certificates.ts'
import { Sealer } from './platform/crypto/sealer.ts'
import type { Platform } from './platform/platform.module.ts'

const ROUTES = Object.entries(ADMIN_ROUTES) as [AdminRouteName, Route][]
const PUBLIC: AdminRouteName[] = [
  'health',
  'ready',
  'session',
  'signIn',
  'verifySecondFactor',
  'beginSso',
  'finishSso',
  'setUpFirstAdmin',
  'acceptInvite',
]

let app: NestExpressApplication
let url: string

beforeAll(async () => {
  // No key is known, and nothing else is reached without one.
  const database = {
    isUp: async () => true,
    pool: { query: async () => ({ rows: [] }) },
  }
  const platform = {
    version: '0.0.0',
    config: {},
    log: pino({ level: 'silent' }),
    database,
    sealer: new Sealer(Buffer.alloc(32)),
    queue: { isUp: async () => false },
    dataDir: { installationId: 'spec' },
    identity: makeIdentity('rollcall-server', new Date()),
  }
  app = await NestFactory.create<NestExpressApplication>(AppModule.of(platform as unknown as Platform), {
    logger: false,
  })
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
})
afterAll(() => app.close())

const request = (route: Route, headers: Record<string, string> = {}) =>
  fetch(url + route.path.replace(/:\w+/g, '0b0e7f8a-0000-4000-8000-000000000001'), {
    method: route.method,
    headers,
  })

describe('routes', () => {
  it('are those of the contract, each served, and no other', () => {
    const { router } = app.getHttpAdapter().getInstance() as {
      router: { stack: { route?: { path: string; methods: Record<string, boolean> } }[] }
    }
    const served = router.stack.flatMap(({ route }) =>
      route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`) : [],
    )
    expect(served.sort()).toEqual(ROUTES.map(([, route]) => `${route.method} ${route.path}`).sort())
  })

  it('are public only where that was meant', () => {
    const found = ROUTES.filter(([, route]) => route.access === 'public').map(([name]) => name)
    expect(found.sort()).toEqual(PUBLIC.toSorted())
  })

  it.each(ROUTES.filter(([name]) => !PUBLIC.includes(name)))(
    '%s lets nobody in without a key, with a wrong one, or with one in the wrong place',
    async (_name, route) => {
      const attempts = [
        {},
        { authorization: 'Bearer rck_wrong' },
        { authorization: 'Basic cm9vdDo=' },
        { 'x-api-key': 'rck_wrong' },
        { cookie: `rollcall_session=${'x'.repeat(43)}` },
      ]
      for (const headers of attempts) {
        const response = await request(route, headers as Record<string, string>)
        expect(response.status).toBe(401)
        expect(await response.json()).toMatchObject({ error: { code: 'request.unauthenticated' } })
      }
    },
  )

  it('say that the server is not ready while its queue is down', async () => {
    const response = await fetch(`${url}/ready`)
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'not_ready', database: 'up', queue: 'down' },
    ])
  })

  it('say nothing of the software behind them', async () => {
    const { headers } = await fetch(`${url}/nowhere`)
    expect(headers.get('server')).toBeNull()
  })
})
