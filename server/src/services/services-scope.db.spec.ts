import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addReportingHost } from '../testing/reporting-host.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'

let server: TestServer
/** May act on the hosts with env=prod alone. */
let operator: TestRequest
let viewer: TestRequest
let other: TestRequest
let admin: TestRequest

const FILE = (project: string, select: string, replicas = 2) => `name: ${project}
services:
  web:
    image: registry.lan/web:1
    ports: ["80"]
    deploy: {replicas: ${replicas}}
    x-rollcall: {pull: host, place: {select: "${select}", max_per_host: 1}}
`
const post = (path: string, body: object, as: TestRequest) =>
  server.ask(path, { method: 'POST', body, ...as })

async function apply(text: string, as: TestRequest) {
  const { json, code } = await post('/api/service-plans', { text }, as)
  if (!json.plan) throw new Error(`${code}: ${JSON.stringify(json)}`)
  const { status } = await post(`/api/service-plans/${json.plan.id}/apply`, {}, as)
  if (status !== 202) throw new Error(`applied with ${status}`)
  return json.plan
}

beforeAll(async () => {
  server = await TestServer.open()
  const { database } = server.test
  await addReportingHost(database, 'in-1', { labels: { env: 'prod' } })
  await addReportingHost(database, 'in-2', { labels: { env: 'prod' } })
  await addReportingHost(database, 'out-1', { labels: { env: 'test' } })
  admin = { cookie: (await server.person('root@example.com', 'admin')).cookie }
  operator = { cookie: (await server.person('o@example.com', 'operator', ['env=prod'])).cookie }
  viewer = { cookie: (await server.person('v@example.com', 'viewer', ['env=prod'])).cookie }
  other = { cookie: (await server.person('t@example.com', 'operator', ['env=test'])).cookie }
  await apply(FILE('ours', 'env=prod'), admin)
  await apply(FILE('mixed', 'env', 3), admin)
  await apply(FILE('foreign', 'env=test', 1), admin)
  await apply(FILE('crowded', 'env', 5), admin)
  await apply(FILE('nowhere', 'never=1', 2), admin)
})
afterAll(() => server?.[Symbol.asyncDispose]())

const PLACES = ['', '/revisions', '/events', '/instances/1/why', '/instances/2/why', '/instances/3/why']

describe('services of whoever may act on some hosts only', () => {
  it('a scoped caller sees services with their instances on its hosts, and no trace of others', async () => {
    for (const as of [operator, viewer]) {
      const { json } = await server.ask('/api/services', as)
      expect(
        json.services.map(({ project, instances }: never) => [project, (instances as unknown[]).length]),
      ).toEqual([
        ['crowded', 4],
        ['mixed', 2],
        ['ours', 2],
      ])
      for (const project of ['ours', 'mixed', 'crowded'])
        for (const place of PLACES) {
          const { json } = await server.ask(`/api/services/${project}%2Fweb${place}`, as)
          expect(JSON.stringify(json)).not.toContain('out-1')
        }
      expect(JSON.stringify(json)).not.toContain('out-1')
      const { json: mixed } = await server.ask('/api/services/mixed%2Fweb', as)
      expect(mixed.service.counts).toEqual({ preparing: 2 })
    }
  })

  it('a service beyond the scope is answered like one that does not exist, by name and by id', async () => {
    const { json } = await server.ask('/api/services?project=foreign', admin)
    const [{ id }] = json.services
    const answer = async (reference: string, place: string) => {
      const { status, json } = await server.ask(
        `/api/services/${encodeURIComponent(reference)}${place}`,
        operator,
      )
      return JSON.stringify([status, json]).replaceAll(reference, 'IT')
    }
    for (const place of PLACES) {
      expect(await answer('foreign/web', place)).toBe(await answer('no-such/thing', place))
      // Of one that is on no host at all nothing is known to those who did not apply it.
      expect(await answer('nowhere/web', place)).toBe(await answer('no-such/thing', place))
      expect(await answer(id, place)).toBe(await answer('00000000-0000-4000-8000-000000000000', place))
    }
    const { status } = await server.ask('/api/services/ours%2Fweb/instances/1/why?host=out-1', operator)
    expect(status).toBe(404)
  })

  it('a plan of a scoped caller places on its hosts alone, and is refused where it would touch others', async () => {
    const { json } = await post('/api/service-plans', { text: FILE('mine', 'env', 3) }, operator)
    const [web] = json.plan.services
    expect(web.placements.map(({ host }: never) => host).sort()).toEqual(['in-1', 'in-2', null])
    expect(JSON.stringify(json)).not.toContain('out-1')
    for (const project of ['mixed', 'foreign', 'nowhere']) {
      const { status, code, json } = await post(
        '/api/service-plans',
        { text: FILE(project, 'env') },
        operator,
      )
      expect([status, code]).toEqual([403, 'service.outside_scope'])
      expect(JSON.stringify(json)).not.toContain('out-1')
    }
  })

  it('a plan is seen and applied by its author and by those of the whole fleet, and keeps to the hosts it was made for', async () => {
    const { json } = await post('/api/service-plans', { text: FILE('borrowed', 'env', 3) }, operator)
    const path = `/api/service-plans/${json.plan.id}`
    for (const place of ['', '/text'])
      expect((await server.ask(path + place, other)).code).toBe('service.plan_not_found')
    expect((await post(`${path}/apply`, {}, other)).code).toBe('service.plan_not_found')
    expect((await post(`${path}/apply`, {}, viewer)).status).toBe(403)
    expect((await post(`${path}/apply`, {}, admin)).status).toBe(202)
    const { json: shown } = await server.ask('/api/services/borrowed%2Fweb', admin)
    expect(
      shown.instances.map(({ host }: { host: { name: string } | null }) => host?.name ?? null).sort(),
    ).toEqual(['in-1', 'in-2', null])
  })

  it('why a change was stopped is told to those alone who see the whole service', async () => {
    await server.test.database.query(
      "UPDATE service SET halted_at = now(), reason = 'mixed/web.3 on out-1 is not well' WHERE project = 'mixed'",
    )
    const shown = async (as: TestRequest) => (await server.ask('/api/services/mixed%2Fweb', as)).json.service
    expect(await shown(admin)).toMatchObject({ state: 'failed', reason: expect.stringContaining('out-1') })
    expect(await shown(viewer)).toMatchObject({ state: 'failed', reason: null })
    await server.test.database.query(
      `INSERT INTO instance_event (service_id, at, kind, to_state, reason)
       SELECT id, now(), 'halted', 'halted', reason FROM service WHERE project = 'mixed'`,
    )
    const events = async (as: TestRequest) =>
      JSON.stringify((await server.ask('/api/services/mixed%2Fweb/events', as)).json)
    expect(await events(admin)).toContain('on out-1 is not well')
    expect(await events(viewer)).not.toContain('out-1')
  })

  it('a secret is for a scoped caller what its own services use already: any other is like one that does not exist', async () => {
    const withSecrets = (project: string, secrets: string) =>
      `${FILE(project, 'env=prod', 1)}    secrets: [${secrets}]
secrets: {prod_key: {external: true}, other_key: {external: true}, no_key: {external: true}}
`
    for (const name of ['prod_key', 'other_key'])
      expect((await post('/api/secrets', { name, data: 'aHVzaA==' }, admin)).status).toBe(200)
    const faults = async (text: string) =>
      (await post('/api/service-plans', { text }, operator)).json.faults.map(
        ({ code, reason, instead }: Record<string, string>) => `${code}: ${reason}; ${instead}`,
      )
    const [real] = await faults(withSecrets('keyed', 'prod_key'))
    const [missing] = await faults(withSecrets('keyed', 'no_key'))
    expect(real).toContain('secret.not_found')
    expect(real.replaceAll('prod_key', 'IT')).toBe(missing.replaceAll('no_key', 'IT'))
    await apply(withSecrets('keyed', 'prod_key'), admin)
    await apply(withSecrets('keyed', 'prod_key').replace('web:1', 'web:2'), operator)
    expect(await faults(withSecrets('beside', 'prod_key'))).toHaveLength(1)
    expect(await faults(withSecrets('keyed', 'prod_key, other_key'))).toHaveLength(1)
  })
})
