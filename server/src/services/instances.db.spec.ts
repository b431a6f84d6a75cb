import { RollcallError } from '@rollcall/contracts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { AgentsService } from '../agents/index.ts'
import { AgentFiles } from '../files/index.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { addReportingHost } from '../testing/reporting-host.ts'
import { TestServer } from '../testing/test-server.ts'
import { ToolsService } from '../tools/index.ts'
import { InstanceReportsReconciler } from './instance-reports.reconciler.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { ServiceChangesReconciler } from './service-changes.reconciler.ts'
import { FakeHosts } from './testing/fake-hosts.ts'

let server: TestServer
let hosts = new FakeHosts()
const hostIds = new Map<string, string>()
const stop = new AbortController()

beforeAll(async () => {
  server = await TestServer.open()
  const { app } = server
  for (const name of ['app-1', 'app-2']) hostIds.set(name, await addReportingHost(server.test.database, name))
  await query('UPDATE roll SET lease_owner = $1', [app.get(SERVER_ID)])
  vi.spyOn(app.get(AgentsService), 'call').mockImplementation((async (
    id: string,
    method: string,
    params: object,
  ) => {
    if (hosts.isTooOld && method === 'get_instances')
      throw new RollcallError('agent.method_unknown', 'The agent does not know get_instances.')
    return hosts.call(id, method, params as Record<string, unknown>)
  }) as never)
  vi.spyOn(app.get(AgentsService), 'batch').mockImplementation((async (
    id: string,
    calls: { method: string; params: Record<string, unknown> }[],
  ) => {
    const answers: object[] = []
    for (const { method, params } of calls) answers.push(await hosts.call(id, method, params))
    return answers
  }) as never)
  vi.spyOn(app.get(AgentFiles), 'upload').mockImplementation(((id: string, upload: never) =>
    hosts.upload(id, upload)) as never)
  vi.spyOn(app.get(ToolsService), 'ensure').mockResolvedValue({
    version: 'v',
    path: '/tools/v',
    isNew: false,
  })
})
afterAll(async () => {
  stop.abort()
  await server?.app.get(InstanceReportsReconciler).drain()
  await server?.[Symbol.asyncDispose]()
})
afterEach(async () => {
  await query('DELETE FROM service')
  await query('DELETE FROM service_plan')
  await query('DELETE FROM instance_volume')
  await query("UPDATE host SET state = 'online'")
  hosts = new FakeHosts()
})

const query = (sql: string, values: unknown[] = []) => server.test.database.query(sql, values)
const post = async (path: string, body: object = {}) =>
  server.ask(path, { method: 'POST', body, key: server.localKey })
const get = async (path: string) => (await server.ask(path, { key: server.localKey })).json

const DIGEST = `sha256:${'d'.repeat(64)}`
const toFile = (changes: { env?: string; replicas?: number } = {}) => `name: shop
services:
  web:
    image: registry.lan/web@${DIGEST}
    ports: ["80"]
    environment: {MODE: ${changes.env ?? 'first'}}
    deploy: {replicas: ${changes.replicas ?? 2}}
    x-rollcall: {pull: host, place: {max_per_host: 1}, checks: [{http: "/up", port: 80}]}
`

async function apply(text: string) {
  const { json } = await post('/api/service-plans', { text })
  const { status, json: applied } = await post(`/api/service-plans/${json.plan.id}/apply`)
  expect(status, JSON.stringify(applied)).toBe(202)
}

interface Shown {
  id: string
  slot: number
  state: string
  health: string
  reason: string | null
  reasonCode: string | null
  runningRevision: number | null
  commandId: string
}
const shown = async (): Promise<Shown[]> => (await get('/api/services/shop%2Fweb')).instances ?? []

/** Runs the reconcilers until the instances are as they are to be. */
async function until(
  isReached: (instances: Shown[]) => boolean | Promise<boolean>,
  servers = 1,
): Promise<Shown[]> {
  const { app } = server
  const instances = await vi.waitFor(
    async () => {
      const now = new Date()
      await app.get(InstanceReportsReconciler).reconcile(now, stop.signal)
      await app.get(ServiceChangesReconciler).reconcile(now, stop.signal)
      const passes = Array.from({ length: servers }, () =>
        app.get(InstancesReconciler).reconcile(now, stop.signal),
      )
      await Promise.all(passes)
      const found = await shown()
      expect(await isReached(found), JSON.stringify(found)).toBe(true)
      return found
    },
    { timeout: 10_000, interval: 20 },
  )
  return instances
}
const are = (state: string, health: string) => (instances: Shown[]) =>
  instances.length === 2 && instances.every((one) => one.state === state && one.health === health)

describe('instances on their way to hosts', () => {
  it('an applied service is healthy on its hosts by what these report, and its orders were for root alone', async () => {
    await apply(toFile())
    const instances = await until(are('running', 'success'))
    const [upload] = [...hosts.uploads.values()]
    expect(upload?.mode).toBe(0o600)
    const log = await get(`/api/commands/${instances[0]?.commandId}/output`)
    const text = log.chunks
      .map(({ data }: { data: string }) => Buffer.from(data, 'base64').toString())
      .join('')
    expect(text).toContain('start shop/web.1, generation 1')
    const prepared = hosts.steps.filter((step) => step.startsWith('prepare'))
    expect(prepared).toHaveLength(2)
    expect(await query('SELECT failed_tasks AS n FROM roll WHERE failed_tasks > 0')).toEqual([])
  })

  it('a changed service is replaced slot by slot, one that is not well stops the change, and the same file applied again goes on', async () => {
    await apply(toFile())
    await until(are('running', 'success'))
    await apply(toFile({ env: 'second' }))
    const replaced = await until(
      (instances) =>
        instances.every(({ runningRevision }) => runningRevision === 2) &&
        are('running', 'success')(instances),
    )
    expect(replaced).toHaveLength(2)
    const starts = hosts.steps.filter((step) => step.startsWith('start') && step.endsWith(' 2'))
    expect(starts.map((step) => step.split(' ')[1])).toEqual(replaced.map(({ id }) => id))

    hosts.failing.set(
      'prepare',
      Array.from({ length: 9 }, () => ({ code: 'instance.order_invalid', message: 'no' })),
    )
    await apply(toFile({ env: 'third' }))
    await until(async () => (await get('/api/services/shop%2Fweb')).service.state === 'failed')
    const halted = await until((instances) => instances.every(({ state }) => state === 'running'))
    expect(halted).toHaveLength(2)
    expect(halted[0]?.reason).toContain('Generation 2 runs on')
    expect(hosts.steps.filter((step) => step.endsWith('-3.json'))).toHaveLength(1)

    hosts.failing.clear()
    await apply(toFile({ env: 'third' }))
    await until(
      (instances) =>
        instances.every(({ runningRevision }) => runningRevision === 3) &&
        are('running', 'success')(instances),
    )
  })

  it('a step that fails is tried again, and told with the words of the host', async () => {
    hosts.failing.set('start', [{ code: 'instance.start_failed', message: 'exec format error' }])
    await apply(toFile({ replicas: 1 }))
    const hasReason = ({ reason }: Shown) => reason?.includes('exec format error') ?? false
    await until((instances) => instances.some(hasReason))
    await query("UPDATE instance SET retry_at = now() - interval '1 second', due_at = now()")
    await until(([one]) => one?.state === 'running' && one.health === 'success')
  })

  it('instances are stopped, started, restarted and removed, each step under its generation', async () => {
    await apply(toFile())
    const [one] = await until(are('running', 'success'))
    const operate = (action: string, more: object = {}) =>
      post('/api/services/shop%2Fweb/operations', { action, ...more })
    expect((await operate('stop')).status).toBe(202)
    await until(are('stopped', 'unknown'))
    expect(hosts.steps).toContain(`stop ${one?.id} 1`)
    await operate('start', { slots: [1] })
    await until(([first, second]) => first?.state === 'running' && second?.state === 'stopped')
    const operationId = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
    await operate('restart', { slots: [1], operationId })
    await until(() => hosts.steps.includes(`restart ${one?.id} 1`))
    await until(([first]) => first?.state === 'running' && first.health === 'success')
    await operate('restart', { slots: [1], operationId })
    await until(([first]) => first?.state === 'running')
    expect(hosts.steps.filter((step) => step.startsWith('restart'))).toHaveLength(1)
    await operate('remove')
    await until((instances) => instances.length === 0)
    await until(
      async () => (await server.ask('/api/services/shop%2Fweb', { key: server.localKey })).status === 404,
    )
  })

  it('servers that look at the same moment begin one step at a time on a host', async () => {
    await query("UPDATE host SET state = 'offline' WHERE id = $1", [hostIds.get('app-2')])
    await apply(toFile({ replicas: 6 }).replace('max_per_host: 1', 'max_per_host: 6'))
    const areRunning = (instances: Shown[]) =>
      instances.length === 6 && instances.every(({ state }) => state === 'running')
    await until(areRunning, 4)
    for (const step of ['prepare', 'start'])
      expect(hosts.steps.filter((one) => one.startsWith(step))).toHaveLength(6)
    expect(server.logLines().filter(({ instanceId }) => instanceId !== undefined)).toEqual([])
  })

  it('the health of instances on hosts whose agents are too old is unknown, with the remedy', async () => {
    hosts.isTooOld = true
    await apply(toFile())
    const [one] = await until(are('running', 'unknown'))
    expect(one).toMatchObject({ reasonCode: 'agent.method_unknown' })
    expect(one?.reason).toContain('rollcall upgrade start')
  })

  it('a host that has no report after its boot leaves the health unknown, and no instance lost', async () => {
    await apply(toFile())
    await until(are('running', 'success'))
    hosts.hasNoReport = true
    const [one] = await until(are('running', 'unknown'))
    expect(one?.reason).toContain('rollcall-warden')
    hosts.hasNoReport = false
    await until(are('running', 'success'))
  })

  it('an instance on a silent host is interrupted, and as it was once that answers again', async () => {
    await apply(toFile())
    await until(are('running', 'success'))
    await query("UPDATE host SET state = 'offline' WHERE id = $1", [hostIds.get('app-1')])
    await until((instances) => instances.some(({ state }) => state === 'interrupted'))
    await query("UPDATE host SET state = 'online'")
    await until(are('running', 'success'))
    expect(hosts.steps.filter((step) => step.startsWith('start'))).toHaveLength(2)
  })
})

describe('what needs the hosts of instances', () => {
  it('a host with instances is not removed, and the refusal names them', async () => {
    await apply(toFile())
    await until(are('running', 'success'))
    const refused = await server.ask('/api/hosts/app-1', { method: 'DELETE', key: server.localKey })
    expect(refused).toMatchObject({ status: 409, code: 'host.has_instances' })
    expect(refused.json.error.message).toMatch(/^shop\/web\.\d is on app-1\. /)
  })

  it('logs and programs in instances are commands, whose output is read as of any', async () => {
    await apply(toFile())
    const [one] = await until(are('running', 'success'))
    const path = '/api/services/shop%2Fweb/instances/1'
    const outputOf = async (id: string) => {
      const isOver = async () => (await get(`/api/commands/${id}`)).command.state === 'success'
      await vi.waitFor(async () => expect(await isOver()).toBe(true), { timeout: 5000 })
      const { chunks } = await get(`/api/commands/${id}/output`)
      return chunks.map(({ data }: { data: string }) => Buffer.from(data, 'base64').toString()).join('')
    }
    const logs = await post(`${path}/logs`, { lines: 5 })
    expect(logs.status).toBe(202)
    expect(await outputOf(logs.json.command.id)).toBe(`${one?.id} --lines 5\n`)
    const exec = await post(`${path}/exec`, { argv: ['echo', 'a b'] })
    expect(await outputOf(exec.json.command.id)).toBe(`${one?.id} web -- echo a b\n`)
    expect(await post(`${path}/exec`, { argv: ['true'], container: 'db' })).toMatchObject({
      status: 404,
      code: 'instance.no_container',
    })
    const all = await post('/api/services/shop%2Fweb/logs', {})
    expect(all.json.commands).toHaveLength(2)
  })

  it('a log is followed for a quarter of an hour by whoever may not cancel commands, for a day by others, and its id is known to its requester alone', async () => {
    await apply(toFile({ replicas: 1 }))
    await until(([one]) => one?.state === 'running')
    const path = '/api/services/shop%2Fweb/instances/1/logs'
    const follow = (as: object, commandId?: string) =>
      server.ask(path, { method: 'POST', body: { follow: true, ...(commandId && { commandId }) }, ...as })
    const { cookie } = await server.person('watcher@example.com', 'viewer')
    const { command } = (await follow({ cookie })).json
    expect(command.timeoutMs).toBe(15 * 60_000)
    expect((await follow({ key: server.localKey })).json.command.timeoutMs).toBe(86_400_000)
    // The same request of the same person is the same command, and that of another person is none.
    expect((await follow({ cookie }, command.runId)).json.command.id).toBe(command.id)
    const another = await server.person('other@example.com', 'viewer')
    const taken = await follow({ cookie: another.cookie }, command.runId)
    expect(taken).toMatchObject({ status: 409, code: 'command.id_conflict' })
  })
})
