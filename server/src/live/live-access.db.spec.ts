import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  type LiveEvent,
  type LiveRequest,
  liveRequest,
  ROLE_PERMISSIONS,
  type Role,
} from '@rollcall/contracts/admin'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { TestServer } from '../testing/test-server.ts'

const GUIDE = fileURLToPath(new URL('../../../docs/guides/access.md', import.meta.url))

type Headers = Record<string, string>

let server: TestServer
/** Commands by the host they are for, and the run of both. */
let commandIds: Record<string, string>
let runs: { own: string; whole: string }
let transfers: { own: string; whole: string }
let people: Record<'viewer' | 'operator' | 'admin' | 'reader' | 'runner', Headers>

beforeAll(async () => {
  server = await TestServer.open()
  const at = new Date()
  await addTestHost(server.test.database, { name: 'in', labels: { env: 'prod' }, at })
  await addTestHost(server.test.database, { name: 'out', labels: { env: 'test' }, at })
  const whole = await post('/api/runs', { program: 'true', all: true })
  const own = await post('/api/runs', { program: 'true', hosts: ['in'] })
  runs = { own: own.runId, whole: whole.runId }
  commandIds = Object.fromEntries(
    whole.commands.map(({ id, host }: { id: string; host: { name: string } }) => [host.name, id]),
  )
  const { sha256 } = await contentOf('x')
  const transfer = async (target: object) => {
    const source = { kind: 'file', sha256 }
    return (await post('/api/transfers', { ...target, destination: '/x', source })).transfer.id
  }
  transfers = { own: await transfer({ hosts: ['in'] }), whole: await transfer({ all: true }) }
  people = {
    viewer: await person('viewer'),
    operator: await person('operator', ['env=prod']),
    admin: await person('admin'),
    reader: await key('hosts:read'),
    runner: await key('commands:read'),
  }
})
afterAll(() => server?.[Symbol.asyncDispose]())

async function post(path: string, body: object) {
  const { status, json } = await server.ask(path, { method: 'POST', body, key: server.localKey })
  if (status >= 300) throw new Error(`${path}: ${JSON.stringify(json)}`)
  return json
}

async function contentOf(text: string): Promise<{ sha256: string }> {
  const answer = await fetch(`${server.url}/api/contents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.localKey}`, 'content-type': 'application/octet-stream' },
    body: text,
  })
  return (await answer.json()) as { sha256: string }
}

async function person(role: Role, scope: string[] | null = null): Promise<Headers> {
  const { cookie } = await server.person(`${role}@example.com`, role, scope)
  return { cookie, origin: server.url }
}

const key = async (permission: string): Promise<Headers> => ({
  authorization: `Bearer ${(await post('/api/keys', { name: permission.replace(':', '-'), permissions: [permission] })).secret}`,
})

const connect = (headers: Headers) => new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { headers })

/** The status with which a connection was refused, or 101. */
async function toStatus(headers: Headers): Promise<number> {
  const socket = connect(headers)
  const opened = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number)
  opened.catch(() => undefined)
  refused.catch(() => undefined)
  // Whoever listens for a refusal has to end the request as well.
  socket.on('error', () => undefined)
  const status = await Promise.race([opened, refused])
  socket.terminate()
  return status
}

/** The first thing that somebody is told who asks for `request`: the code of a refusal, or `let in`. */
async function answerTo(who: Headers, request: LiveRequest): Promise<string> {
  const socket = connect(who)
  await once(socket, 'open')
  const answered = once(socket, 'message')
  socket.send(JSON.stringify(request))
  const event = JSON.parse(String((await answered)[0])) as LiveEvent
  socket.terminate()
  return event.type === 'error' ? event.code : 'let in'
}

/** The guide's table of what may be followed: topic and permission. */
async function topicsOfGuide(): Promise<Map<string, string>> {
  const rows = (await readFile(GUIDE, 'utf8')).matchAll(/^\| `([a-z-]+)` +\| `([a-z]+:[a-z]+)` +\|/gm)
  return new Map([...rows].map(([, topic = '', permission = '']) => [topic, permission]))
}

it('every topic is in the guide, but those that only end what was begun', async () => {
  const topics = liveRequest.options.map(({ shape }) => shape.type.value)
  expect([...(await topicsOfGuide()).keys()].sort()).toEqual(
    topics.filter((topic) => !topic.startsWith('un')).sort(),
  )
})

it('nobody is connected who has neither a session nor a key, nor a page of another site', async () => {
  expect(await toStatus({})).toBe(401)
  expect(await toStatus({ authorization: 'Bearer rck_wrong' })).toBe(401)
  expect(await toStatus({ cookie: `rollcall_session=${'A'.repeat(43)}`, origin: server.url })).toBe(401)
  expect(await toStatus({ ...people.admin, origin: 'https://evil.example' })).toBe(403)
  expect(await toStatus({ ...people.admin, origin: 'null' })).toBe(403)
  expect(await toStatus(people.admin)).toBe(101)
})

it('every topic is for whom it should be: viewer, operator with a label, admin, keys with one permission', async () => {
  const table = await topicsOfGuide()
  const mayOf: Record<keyof typeof people, readonly string[]> = {
    ...ROLE_PERMISSIONS,
    reader: ['hosts:read'],
    runner: ['commands:read'],
  }
  const asked: [LiveRequest, isOutside: boolean][] = [
    [{ type: 'watch-fleet' }, false],
    [{ type: 'watch-services' }, false],
    [{ type: 'follow', commandId: commandIds.in ?? '', offset: 0 }, false],
    [{ type: 'follow', commandId: commandIds.out ?? '', offset: 0 }, true],
    [{ type: 'follow-run', runId: runs.own }, false],
    [{ type: 'follow-run', runId: runs.whole }, true],
    [{ type: 'follow-transfer', transferId: transfers.own }, false],
    [{ type: 'follow-transfer', transferId: transfers.whole }, true],
  ]
  for (const [request, isOutside] of asked)
    for (const who of Object.keys(people) as (keyof typeof people)[]) {
      const missing = { 'follow-run': 'run.not_found', 'follow-transfer': 'transfer.not_found' } as const
      const kind = request.type as keyof typeof missing
      const expected = !mayOf[who].includes(table.get(request.type) ?? '')
        ? 'request.forbidden'
        : isOutside && who === 'operator'
          ? (missing[kind] ?? 'command.not_found')
          : 'let in'
      expect([request, who, await answerTo(people[who], request)]).toEqual([request, who, expected])
    }
})

it('a fleet that is watched has the hosts of the scope and no other', async () => {
  const socket = connect(people.operator)
  await once(socket, 'open')
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ type: 'watch-fleet' }))
  const event = JSON.parse(String((await answered)[0])) as LiveEvent & { type: 'fleet' }
  socket.terminate()
  expect(event.agents.map(({ host }) => host)).toEqual(['in'])
  expect(event.states).toEqual({ online: 1 })
})
