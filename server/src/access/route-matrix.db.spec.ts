import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { RollcallError } from '@rollcall/contracts'
import {
  ADMIN_ROUTES,
  type AdminRouteName,
  LIVE_TOPICS,
  type LiveEvent,
  type LiveTopic,
  PERMISSIONS,
  type Route,
  type ScopedKind,
} from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { AgentsService } from '../agents/index.ts'
import { newCommand } from '../commands/index.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { RunsRepository } from '../runs/index.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'
import { namedPlaces } from './domain/named-places.ts'
import { CALLERS, type Caller, type Cell, toCell, toTopicCell } from './testing/route-matrix.ts'

const ROUTES = Object.entries(ADMIN_ROUTES) as [AdminRouteName, Route][]
/** It ends the session that asks, so that it is asked last. */
const LAST: AdminRouteName = 'signOut'

/** One side of the border of the scopes: a host, and what was done there. */
type Side = Record<ScopedKind, string> & { name: string }

let server: TestServer
let within: Side
let outside: Side
const credentials = new Map<string, TestRequest>()
/** Hosts whose agents the server has called. */
const called: string[] = []

const nowhere = (): Side => ({
  host: randomUUID(),
  command: randomUUID(),
  run: randomUUID(),
  transfer: randomUUID(),
  name: `nowhere-${randomUUID()}`,
})

beforeAll(async () => {
  server = await TestServer.open()
  recordCalls()
  within = await makeSide('prod')
  outside = await makeSide('test')
  for (const caller of CALLERS) if (caller.rights && caller.kind === 'person') await enter(caller)
  const gone = await server.person('gone@example.com', 'admin')
  credentials.set('key of a removed owner', { key: await keyOf('gone@example.com') })
  await server.ask(`/api/users/${gone.id}`, { method: 'DELETE', key: server.localKey })
  credentials.set('stranger', {})
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** No agent is there; which was to be called is written down. */
function recordCalls(): void {
  const agents = server.app.get(AgentsService)
  const refuse = async (...args: unknown[]) => {
    called.push(JSON.stringify(args.slice(0, 2)))
    throw new RollcallError('agent.unreachable', 'There is no agent in this test.')
  }
  for (const method of ['call', 'batch', 'probe'] as const) Object.assign(agents, { [method]: refuse })
}

/** A host with a run, a command and a transfer that have ended. */
async function makeSide(env: string): Promise<Side> {
  const { database } = server.test
  const name = `host-${env}-${randomUUID()}`
  const at = new Date()
  await addTestHost(database, { name, labels: { env }, at })
  const host = (await database.prisma.host.findUniqueOrThrow({ where: { name } })).id
  const run = randomUUID()
  const spec = {
    program: 'true',
    args: [],
    env: {},
    cwd: '/',
    timeoutMs: 1000,
    startWithinMs: 1000,
    tty: false,
    columns: 80,
    rows: 24,
    stdin: false,
  }
  const about = { requestedBy: 'somebody', createdAt: at }
  const command = newCommand(
    'command',
    { id: host, name },
    spec,
    { ...about, runId: run },
    { position: null, admittedAt: at },
  )
  await server.app
    .get(RunsRepository)
    .insert(
      { ...about, id: run, bodyHash: 'x', kind: 'command', commands: [command] },
      async (transaction) => {
        await transaction.command.updateMany({
          where: { runId: run },
          data: { state: 'success', exitCode: 0, startedAt: at, endedAt: at },
        })
      },
    )
  const transfer = randomUUID()
  await database.prisma.transfer.create({
    data: {
      id: transfer,
      bodyHash: 'x',
      kind: 'file',
      content: 'x',
      destination: '/x',
      makeParents: false,
      requestedBy: 'somebody',
      createdAt: at,
      hosts: {
        create: {
          id: randomUUID(),
          hostId: host,
          hostName: name,
          state: 'success',
          nextAttemptAt: at,
          endedAt: at,
        },
      },
    },
  })
  return { host, command: command.id, run, transfer, name }
}

const keyOf = async (owner: string): Promise<string> => {
  const body = { name: `key-${randomUUID()}`.slice(0, 30), permissions: PERMISSIONS, owner }
  const { json } = await server.ask('/api/keys', { method: 'POST', body, key: server.localKey })
  return json.secret
}

async function enter({ name, rights }: Caller): Promise<void> {
  if (!rights) return
  const email = `${name.replace(' ', '-')}@example.com`
  const { cookie } = await server.person(email, rights.role, rights.isScoped ? ['env=prod'] : null)
  credentials.set(name, { cookie })
  credentials.set(`key of a ${name}`, { key: await keyOf(email) })
}

/** A request of a route that names something on one side. What it does besides is wrong or missing, so that little is done. */
function toRequest(route: Route, side: Side): { path: string; asked: TestRequest } {
  const query = new URLSearchParams()
  let { path } = route
  for (const { kind, part, key } of namedPlaces(route.scope))
    if (part === 'params') path = path.replace(`:${key}`, side[kind])
    else query.set(key, side[kind])
  path = path.replace(':id', randomUUID()).replace(':slot', '1').replace(':service', 'nowhere%2Fnothing')
  path = path.replace(/:\w+/g, 'nowhere')
  if (route.query.safeParse({}).success === false && route.query.safeParse({ path: '/x' }).success)
    query.set('path', '/x')
  const asked = { method: route.method, ...(route.method !== 'GET' && { body: {} }) }
  return { path: query.size > 0 ? `${path}?${query}` : path, asked }
}

async function ask(caller: Caller, route: Route, side: Side) {
  const { path, asked } = toRequest(route, side)
  const answer = await server.ask(path, { ...asked, ...credentials.get(caller.name) })
  const text = JSON.stringify(answer.json ?? null)
  return { ...answer, path, text }
}

/** Recognises the guard's answer that there is no such thing; a service may say so of something else, in other words. */
function isNoSuchThing(
  route: Route,
  { code, json }: { code?: string | undefined; json: { error?: { message?: string } } },
  side: Side,
): boolean {
  const message = json?.error?.message ?? ''
  return namedPlaces(route.scope).some(
    ({ kind }) => code === `${kind}.not_found` && message.includes(`${side[kind]}. List them: rollcall `),
  )
}

type Answer = Awaited<ReturnType<typeof ask>>

/** Converts an answer to a cell. A public route that wants a first step answers 401 itself. */
function seen(name: AdminRouteName, route: Route, answer: Answer, side: Side): Cell | 'no such thing' {
  if (answer.code === 'request.unauthenticated') return name === 'verifySecondFactor' ? 'yes' : '401'
  if (answer.code === 'request.forbidden') return '403'
  if (answer.code === 'access.outside_scope') return 'fleet'
  return isNoSuchThing(route, answer, side) ? 'no such thing' : 'yes'
}

const isRefused = (cell: Cell) => cell === '401' || cell === '403' || cell === 'fleet'

/** Asks every cell that `choose` wants, callers side by side. */
async function askAll(
  choose: (cell: Cell, route: Route, name: AdminRouteName) => boolean,
  check: (name: AdminRouteName, route: Route, caller: Caller, cell: Cell) => Promise<void>,
): Promise<number> {
  let cells = 0
  for (const [name, route] of ROUTES)
    await Promise.all(
      CALLERS.map(async (caller) => {
        const cell = toCell(route, caller)
        if (name === LAST || !choose(cell, route, name)) return
        cells++
        await check(name, route, caller, cell)
      }),
    )
  return cells
}

describe('the running server answers as the route matrix says', () => {
  it('every refused cell answers its code, the same for hidden and missing things, and changes nothing', async () => {
    const stateOf = async () => {
      const { rows } = await server.test.database.pool.query(
        `SELECT to_jsonb(host) AS host, (SELECT count(*) FROM command WHERE host_id = host.id) AS commands,
           (SELECT count(*) FROM rotation WHERE host_id = host.id) AS rotations FROM host WHERE id = $1`,
        [outside.host],
      )
      return rows[0]
    }
    const before = await stateOf()
    const cells = await askAll(
      (cell, { scope }) => isRefused(cell) || (cell === 'own' && namedPlaces(scope).length > 0),
      async (name, route, caller, cell) => {
        const [foreign, missing] = [outside, nowhere()]
        const [hidden, gone] = [await ask(caller, route, foreign), await ask(caller, route, missing)]
        const expected = cell === 'own' ? 'no such thing' : cell
        expect([name, caller.name, seen(name, route, hidden, foreign)]).toEqual([name, caller.name, expected])
        // An outsider cannot tell one from the other, not even by a word.
        const neutral = ({ text, status }: Answer, side: Side) => [
          status,
          Object.values(side).reduce((all, each) => all.replaceAll(each, '…'), text),
        ]
        expect([name, ...neutral(hidden, foreign)]).toEqual([name, ...neutral(gone, missing)])
      },
    )
    expect(cells).toBeGreaterThan(600)
    expect(called.filter((each) => each.includes(outside.host))).toEqual([])
    expect(await stateOf()).toEqual(before)
  })

  it('targets and queries treat a host outside the scope as one that does not exist', async () => {
    const bodies: [AdminRouteName, object][] = [
      ['run', { program: 'true' }],
      ['startRotation', {}],
      ['previewTarget', {}],
    ]
    for (const caller of CALLERS.filter(({ rights }) => rights?.isScoped))
      for (const [name, body] of bodies) {
        const route = ADMIN_ROUTES[name]
        if (toCell(route, caller) !== 'own') continue
        const of = async (host: string) => {
          const asked = { method: 'POST', body: { ...body, hosts: [host] }, ...credentials.get(caller.name) }
          const { status, json } = await server.ask(route.path, asked)
          return [name, status, JSON.stringify(json).replaceAll(host, '…')]
        }
        const missing = nowhere()
        expect((await of(outside.name))[1]).toBe(404)
        expect(await of(outside.name)).toEqual(await of(missing.name))
        expect(await of(outside.host)).toEqual(await of(missing.host))
      }
  })

  it('every allowed cell is let in, and shows nothing outside of the scope', async () => {
    const cells = await askAll(
      (cell) => !isRefused(cell),
      async (name, route, caller, cell) => {
        const sides = cell === 'own' ? [within] : [within, outside]
        for (const side of namedPlaces(route.scope).length > 0 ? sides : [within]) {
          const answer = await ask(caller, route, side)
          expect([name, caller.name, seen(name, route, answer, side)]).toEqual([name, caller.name, 'yes'])
          if (caller.rights?.isScoped)
            for (const each of Object.values(outside)) expect([name, answer.text]).not.toContain(each)
        }
      },
    )
    expect(cells).toBeGreaterThan(400)
  })

  it('every topic of /ws answers every caller as the matrix says', async () => {
    const connect = (caller: Caller) => {
      const { cookie, key } = credentials.get(caller.name) ?? {}
      const headers = {
        ...(cookie && { cookie, origin: server.url }),
        ...(key && { authorization: `Bearer ${key}` }),
      }
      return new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { headers })
    }
    const answered = async (caller: Caller, topic: LiveTopic, side: Side): Promise<string> => {
      const socket = connect(caller)
      socket.on('error', () => undefined)
      const opened = once(socket, 'open').then(() => 101)
      const refused = once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode as number)
      const status = await Promise.race([opened, refused])
      if (status !== 101) {
        opened.catch(() => undefined)
        socket.terminate()
        return `${status}`
      }
      const about = {
        follow: { commandId: side.command },
        'follow-run': { runId: side.run },
        'follow-transfer': { transferId: side.transfer },
        'watch-services': {},
        'watch-fleet': {},
      }
      const answered = once(socket, 'message')
      socket.send(JSON.stringify({ type: topic, ...about[topic] }))
      const [text] = (await answered).map(String)
      socket.terminate()
      const event = JSON.parse(text ?? '') as LiveEvent
      if (LIVE_TOPICS[topic].scope === 'filtered' && caller.rights?.isScoped)
        expect(text).not.toContain(outside.host)
      return event.type !== 'error' ? 'yes' : event.code === 'request.forbidden' ? '403' : event.code
    }
    for (const topic of Object.keys(LIVE_TOPICS) as LiveTopic[])
      for (const caller of CALLERS) {
        const cell = toTopicCell(topic, caller)
        const expected = cell === 'own' ? 'yes' : cell
        expect([topic, caller.name, await answered(caller, topic, within)]).toEqual([
          topic,
          caller.name,
          expected,
        ])
        if (cell === 'own' && LIVE_TOPICS[topic].scope !== 'filtered')
          expect(await answered(caller, topic, outside)).toMatch(/\.not_found$/)
      }
  })

  it('every caller with a session can sign out, and no other caller', async () => {
    for (const caller of CALLERS) {
      const answer = await ask(caller, ADMIN_ROUTES[LAST], within)
      expect([caller.name, seen(LAST, ADMIN_ROUTES[LAST], answer, within)]).toEqual([
        caller.name,
        toCell(ADMIN_ROUTES[LAST], caller),
      ])
    }
  })
})
