import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NestFactory } from '@nestjs/core'
import { ADMIN_ROUTES, type AdminRouteName, type Route } from '@rollcall/contracts/admin'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppModule } from './app.module.ts'
import { LIVE_SERVERS } from './platform/leases/lease.ts'
import { ServerLease } from './platform/leases/server-lease.reconciler.ts'
import { TestDatabase } from './platform/testing/test-database.ts'
import { testPlatform } from './testing/test-platform.ts'
import { TestServer } from './testing/test-server.ts'

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

let server: TestServer

beforeAll(async () => {
  server = await TestServer.open({ isQueueUp: false })
})
afterAll(() => server[Symbol.asyncDispose]())

const request = (route: Route, headers: Record<string, string> = {}) =>
  fetch(server.url + route.path.replace(/:\w+/g, '0b0e7f8a-0000-4000-8000-000000000001'), {
    method: route.method,
    headers,
  })

describe('routes', () => {
  it('the served routes are exactly those of the contract', () => {
    const { router } = server.app.getHttpAdapter().getInstance() as {
      router: { stack: { route?: { path: string; methods: Record<string, boolean> } }[] }
    }
    const served = router.stack.flatMap(({ route }) =>
      route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`) : [],
    )
    expect(served.sort()).toEqual(ROUTES.map(([, route]) => `${route.method} ${route.path}`).sort())
  })

  it('only routes that are meant to be are public', () => {
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
    const response = await fetch(`${server.url}/ready`)
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'not_ready', database: 'up', queue: 'down', warnings: [] },
    ])
  })

  it('say nothing of the software behind them', async () => {
    const { headers } = await fetch(`${server.url}/nowhere`)
    expect(headers.get('server')).toBeNull()
  })
})

it('a server that is being initialised holds no lease, for which others would release agents that it cannot call yet', async () => {
  await using opened = new AsyncDisposableStack()
  const test = await TestDatabase.open()
  opened.defer(() => test.close())
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-lease-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const platform = await testPlatform(test, folder, pino({ level: 'silent' }))
  opened.defer(() => platform.dataDir.close())
  const app = await NestFactory.createApplicationContext(AppModule.of(platform), { logger: false })
  opened.defer(() => app.close())
  const live = async () => (await test.database.pool.query(LIVE_SERVERS)).rows
  expect(await live()).toEqual([])
  await app.get(ServerLease).acquire()
  expect(await live()).toEqual([{ lease_owner: platform.dataDir.installationId }])
})
