import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTar } from '../platform/archives/tar-archive.ts'
import { PlanningServer } from './testing/planning-server.ts'

const SPECS = (more = '') => `argument_specs:
  main:
    short_description: An API
    options:
      api_state: {choices: [present, absent], default: present}
      api_port: {type: int, required: true}
      api_token: {no_log: true}
${more}`
const FILE = (variables: string, unit = ', unit: api.service') => `name: site
services:
  api:
    ports: ["8080:8080"]
    deploy: {replicas: 2, resources: {reservations: {memory: 64M}}}
    x-rollcall: {playbook: mysite/api${unit}, variables: ${variables}}
`
const GOOD = '{api_port: 8080, api_token: canary-4711}'

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
afterEach(async () => {
  await planning.reset()
  await planning.query('DELETE FROM playbook_collection')
})

/** Adds a version of the playbooks whose role takes some more variables. Returns the version. */
async function addCollection(more = ''): Promise<string> {
  const files = {
    'api.yml': '- name: An API\n  hosts: all\n  roles: [api]\n',
    'roles/api/meta/argument_specs.yml': SPECS(more),
    'roles/api/tasks/main.yml': '[]\n',
  }
  const archive = createTar(Object.entries(files).map(([path, text]) => ({ path, data: Buffer.from(text) })))
  const { url, localKey } = planning.server
  const sent = await fetch(`${url}/api/contents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${localKey}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(gzipSync(archive)),
  })
  const { sha256 } = (await sent.json()) as { sha256: string }
  const body = { name: 'mysite', source: { kind: 'archive', sha256 }, labels: null }
  const { status, json } = await planning.post('/api/playbook-collections', body)
  if (status !== 201) throw new Error(JSON.stringify(json))
  return json.collection.version
}

const faultsOf = async (text: string) =>
  (await planning.post('/api/service-plans', { text })).json.faults as { line: number; key: string }[]

describe('services that playbooks make', () => {
  it('a playbook service is refused with its line where there is no such playbook, or it takes other variables', async () => {
    expect(await faultsOf(FILE(GOOD))).toMatchObject([
      { line: 6, key: 'services.api.x-rollcall.playbook', instead: expect.stringContaining('playbook list') },
    ])
    await addCollection()
    expect(await faultsOf(FILE('{api_prt: 1}'))).toMatchObject([
      { line: 6, key: 'services.api.x-rollcall.variables.api_prt' },
      { line: 6, key: 'services.api.x-rollcall.variables.api_port' },
    ])
    expect(await faultsOf(FILE('{api_port: 1, api_state: absent}'))).toMatchObject([
      { key: 'services.api.x-rollcall.variables.api_state' },
    ])
    expect(await planning.count('service_plan')).toBe(0)
  })

  it('a fault in one variable of a playbook is at the line of that variable', async () => {
    await addCollection()
    const file = `name: site
services:
  api:
    x-rollcall:
      unit: api.service
      variables:
        api_prt: 1
        api_port: eight
      playbook: mysite/api
`
    expect(await faultsOf(file)).toMatchObject([
      { line: 7, key: 'services.api.x-rollcall.variables.api_prt' },
      { line: 8, key: 'services.api.x-rollcall.variables.api_port' },
    ])
    expect(await faultsOf(file.replace('mysite/api', 'mysite/none'))).toMatchObject([
      { line: 9, key: 'services.api.x-rollcall.playbook' },
    ])
  })

  it('a playbook service is placed like any other, once on a host, with the ports and the room that it asks for', async () => {
    await addCollection()
    const { services, notes } = await planning.plan(FILE(GOOD))
    expect(notes).toEqual([
      expect.stringMatching(
        /^api: is made by the playbook mysite\/api, version [0-9a-f]{12}, as root on its hosts$/,
      ),
    ])
    const [{ placements, images }] = services
    expect(images).toEqual([])
    expect(new Set(placements.map(({ host }: never) => host)).size).toBe(2)
    expect(placements[0].ports).toEqual([{ protocol: 'tcp', port: 8080 }])
    await planning.planAndApply(FILE(GOOD))
    const { services: listed } = await planning.get('/api/services')
    expect(listed).toMatchObject([
      { images: [], playbook: expect.stringMatching(/^mysite\/api, version [0-9a-f]{12}$/) },
    ])
    expect(
      await planning.query('SELECT memory_bytes::int AS n, playbook FROM service_revision'),
    ).toMatchObject([{ n: 64 * 1024 * 1024, playbook: { name: 'mysite/api', collection: 'mysite' } }])
  })

  it('a playbook service is planned and applied by those alone who may run playbooks', async () => {
    await addCollection()
    const body = { name: 'deployer', permissions: ['services:read', 'services:write'] }
    const { secret } = (await planning.post('/api/keys', body)).json
    const planned = await planning.post('/api/service-plans', { text: FILE(GOOD) }, { key: secret })
    expect([planned.status, planned.code]).toEqual([403, 'request.forbidden'])
    expect(planned.json.error.message).toContain('playbooks:run')
    const { id } = await planning.plan(FILE(GOOD))
    const applied = await planning.post(`/api/service-plans/${id}/apply`, {}, { key: secret })
    expect([applied.status, applied.code]).toEqual([403, 'request.forbidden'])
    expect(await planning.count('service')).toBe(0)
  })

  it('a playbook service shows what would change field by field, and a secret only as one that changes', async () => {
    await addCollection()
    await planning.planAndApply(FILE(GOOD))
    expect((await planning.plan(FILE(GOOD))).services).toMatchObject([{ action: 'unchanged' }])
    await addCollection('      api_name: {}\n')
    const plan = await planning.plan(FILE('{api_port: 8080, api_token: canary-4712, api_name: x}'))
    const at = 'services.api.x-rollcall'
    expect(plan.services).toMatchObject([
      {
        action: 'changed',
        changes: [
          {
            path: `${at}.playbook`,
            before: expect.stringMatching(/^mysite\/api, version [0-9a-f]{12}$/),
            after: expect.stringMatching(/^mysite\/api, version [0-9a-f]{12}$/),
          },
          { path: `${at}.variables.api_token`, before: null, after: null, isHidden: true },
          { path: `${at}.variables.api_name`, before: null, after: 'x' },
        ],
      },
    ])
    expect(JSON.stringify(plan)).not.toContain('canary')
    const dump = JSON.stringify(await planning.query('SELECT * FROM service_revision'))
    expect(dump).not.toContain('canary')
  })

  it('a playbook service keeps the version of its playbooks, which cannot be removed while it runs', async () => {
    const version = await addCollection()
    await planning.planAndApply(FILE(GOOD))
    for (let i = 0; i < 6; i++) await addCollection(`      api_more_${i}: {}\n`)
    const kept = await planning.query('SELECT version FROM playbook_collection_version')
    expect(kept.length).toBe(6)
    expect(kept).toContainEqual({ version })
    const { server } = planning
    const path = '/api/playbook-collections/mysite'
    const removal = await server.ask(path, { method: 'DELETE', key: server.localKey })
    expect([removal.status, removal.code]).toEqual([409, 'collection.in_use'])
    expect(removal.json.error.message).toContain('site/api')
  })

  it('a playbook service cannot be stopped or restarted where it names no unit', async () => {
    await addCollection()
    await planning.planAndApply(FILE(GOOD, ''))
    for (const action of ['stop', 'restart']) {
      const { status, code } = await planning.post('/api/services/site%2Fapi/operations', { action })
      expect([action, status, code]).toEqual([action, 409, 'service.unit_missing'])
    }
    expect((await planning.post('/api/services/site%2Fapi/operations', { action: 'start' })).status).toBe(202)
  })
})
