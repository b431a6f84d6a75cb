import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestServer } from '../testing/test-server.ts'
import { SecretUses } from './index.ts'

const CANARY = `canary-${randomUUID()}`
const FORMS = [
  CANARY,
  ...[0, 1, 2].map((at) => Buffer.from(CANARY.slice(at)).toString('base64').slice(0, 40)),
]

let server: TestServer
const answers: unknown[] = []
beforeAll(async () => {
  server = await TestServer.open()
})
afterAll(() => server?.[Symbol.asyncDispose]())

async function ask(path: string, method = 'GET', body?: unknown, as: object = { key: server.localKey }) {
  const answer = await server.ask(path, { method, ...(body !== undefined && { body }), ...as })
  answers.push(answer.json)
  return answer
}
const data = Buffer.from(CANARY).toString('base64')

describe('secrets over the API', () => {
  it('a secret’s value is in no answer, refusal, log line or audit entry, whatever is done with it', async () => {
    let uses = [{ name: 'db_password', version: 1, by: 'shop/db' }]
    server.app.get(SecretUses).register(async () => uses)
    const made = await ask('/api/secrets', 'POST', { name: 'db_password', data })
    expect(made.json).toMatchObject({ isChanged: true, secret: { version: 1, bytes: CANARY.length } })
    expect((await ask('/api/secrets')).json.secrets).toHaveLength(1)
    const shown = await ask('/api/secrets/db_password')
    expect(shown.json.versions).toMatchObject([{ version: 1, usedBy: ['shop/db'] }])
    // Refused ones repeat the value in every place that a mistaken caller may put it.
    expect((await ask('/api/secrets', 'POST', { name: '../x', data })).status).toBe(400)
    expect((await ask('/api/secrets', 'POST', { name: 'x', data: CANARY })).status).toBe(400)
    expect((await ask('/api/secrets', 'POST', { name: 'x', data, value: CANARY })).status).toBe(400)
    const large = `${CANARY}${'x'.repeat(65_536)}`
    const tooLarge = await ask('/api/secrets', 'POST', {
      name: 'x',
      data: Buffer.from(large).toString('base64'),
    })
    expect(tooLarge.json.error.fields).toEqual([{ field: 'data', message: 'must be at most 64 KiB' }])
    expect((await ask('/api/secrets/db_password', 'DELETE')).code).toBe('secret.in_use')
    uses = []
    const audit = await ask('/api/audit?limit=100')
    expect(audit.json.entries.map(({ action }: { action: string }) => action)).toContain('setSecret')
    expect((await ask('/api/secrets/db_password', 'DELETE')).status).toBe(200)
    const { rows } = await server.test.database.pool.query('SELECT detail::text FROM audit_entry')
    const seen = JSON.stringify([answers, rows, server.logLines()])
    for (const form of FORMS) expect(seen).not.toContain(form)
  })

  it('viewers see names of secrets and cannot set them; whoever is limited to some hosts sees none', async () => {
    const viewer = await server.person('viewer@example.com', 'viewer')
    const operator = await server.person('operator@example.com', 'operator')
    const scoped = await server.person('scoped@example.com', 'operator', ['env=test'])
    const as = ({ cookie }: { cookie: string }) => ({ cookie })
    expect((await ask('/api/secrets', 'POST', { name: 'k', data }, as(operator))).status).toBe(200)
    expect((await ask('/api/secrets', 'GET', undefined, as(viewer))).json.secrets).toHaveLength(1)
    expect((await ask('/api/secrets', 'POST', { name: 'k', data }, as(viewer))).status).toBe(403)
    for (const [path, method] of [
      ['/api/secrets', 'GET'],
      ['/api/secrets/k', 'GET'],
      ['/api/secrets/k', 'DELETE'],
    ] as const)
      expect((await ask(path, method, undefined, as(scoped))).status).toBe(403)
  })
})
