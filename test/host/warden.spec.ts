import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poll } from '../bed/poll.ts'
import { WardenHost } from './warden-host.ts'

/** An instance per kind of check. */
const IDS = {
  http: '0000000a',
  tcp: '0000000b',
  redis: '0000000c',
  command: '0000000d',
  process: '0000000e',
} as const
const ALL = Object.values(IDS)

let host: WardenHost
let isIll = false
const servers: Server[] = []
const healths = new Map<string, string[]>()

const portOf = (server: Server) => (server.address() as AddressInfo).port

async function listen(server: Server, port = 0): Promise<number> {
  servers.push(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return portOf(server)
}

/** Reads the report, and remembers each health that an instance has had. */
function seen() {
  const report = host.report()
  for (const { instance, health } of report?.instances ?? []) {
    const before = healths.get(instance) ?? []
    if (before.at(-1) !== health) healths.set(instance, [...before, health])
  }
  return new Map((report?.instances ?? []).map((instance) => [instance.instance, instance]))
}

const until = (isSo: (instances: ReturnType<typeof seen>) => boolean, what: string) =>
  poll(async () => isSo(seen()), { timeoutMs: 60_000, everyMs: 50, what })

const untilAll = (health: string) =>
  until(
    (instances) => ALL.every((id) => instances.get(id)?.health === health),
    `every instance to be ${health}`,
  )

let tcp: Server
let tcpPort: number
let markPath: string

beforeAll(async () => {
  host = new WardenHost()
  const http = createHttpServer((request, response) => {
    if (request.url === '/up') response.writeHead(isIll ? 503 : 204).end()
    else response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
  })
  const redis = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .once('data', () => socket.end(isIll ? '-LOADING data\r\n' : '+PONG\r\n')),
  )
  tcp = createServer((socket) => socket.on('error', () => undefined).end())
  tcpPort = await listen(tcp)
  markPath = join(host.folder, 'healthy')
  writeFileSync(markPath, '')
  host.add(IDS.http, { kind: 'http', path: '/up', port: await listen(http) })
  host.add(IDS.tcp, { kind: 'tcp', port: tcpPort })
  host.add(IDS.redis, { kind: 'database', database: 'redis', port: await listen(redis) })
  host.add(IDS.command, {
    kind: 'command',
    argv: ['sh', '-c', `test -e ${markPath} || { echo ill; exit 4; }`],
  })
  host.add(IDS.process, { kind: 'process', name: 'worker' })
  host.rename(IDS.process, 'worker')
  host.start()
})
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  for (const server of servers) server.close()
})

describe('a warden beside stand-ins for systemd, podman and containers', () => {
  test('a check of each kind turns its instance from success to failed to recovering to success', async () => {
    await untilAll('success')
    isIll = true
    tcp.close()
    rmSync(markPath)
    host.rename(IDS.process, 'other')
    await untilAll('failed')
    const reasons = Object.entries(IDS).map(([kind, id]) => [kind, seen().get(id)?.reason])
    expect(Object.fromEntries(reasons)).toEqual({
      http: 'web: GET /up answered 503',
      tcp: `web: port ${tcpPort}: refused the connection`,
      redis: 'web: redis: LOADING data',
      command: 'web: the command ended with 4: ill',
      process: 'web: no process worker runs',
    })
    isIll = false
    tcp = createServer((socket) => socket.on('error', () => undefined).end())
    await listen(tcp, tcpPort)
    writeFileSync(markPath, '')
    host.rename(IDS.process, 'worker')
    await untilAll('success')
    for (const id of ALL) expect(healths.get(id)?.slice(-3)).toEqual(['failed', 'recovering', 'success'])
  }, 120_000)

  test('a warden that is killed finds its instances healthy, without a moment in which their health is unknown', async () => {
    const before = host.report()
    healths.clear()
    await host.kill()
    host.start()
    await until(() => host.report()?.digest !== before?.digest, 'a report of the new warden')
    await until((instances) => instances.size === ALL.length, 'all instances in the report')
    for (const id of ALL) expect(healths.get(id)).toEqual(['success'])
  }, 60_000)

  test('a container that dies fails its instance at once, with its exit code, and recovers when it runs again', async () => {
    host.die(IDS.http, 3)
    await until((instances) => instances.get(IDS.http)?.health === 'failed', 'the instance to be failed')
    expect(seen().get(IDS.http)).toMatchObject({
      reason: 'web: ended with 3, restarted once',
      containers: [{ state: 'failed', exit_code: 3, restarts: 1, pid: null }],
    })
    host.run(IDS.http, 1)
    await until((instances) => instances.get(IDS.http)?.health === 'success', 'the instance to be healthy')
    expect(healths.get(IDS.http)?.slice(-3)).toEqual(['failed', 'recovering', 'success'])
  }, 60_000)

  test('a redirect is an answer, and is not followed', async () => {
    host.add('0000001a', { kind: 'http', path: '/elsewhere', port: portOf(servers[1] as Server) })
    await until((instances) => instances.get('0000001a')?.health === 'success', 'the instance to be healthy')
    expect(seen().get('0000001a')?.checks).toMatchObject([{ state: 'success', detail: '302' }])
  }, 60_000)

  test('a command that never ends is killed with what it has started, and one that floods is cut', async () => {
    const pids = join(host.folder, 'pids')
    const never = `trap '' TERM; setsid sleep 600 & echo $! >>${pids}; wait; wait`
    host.add('0000002a', { kind: 'command', argv: ['sh', '-c', never] }, { timeout_ms: 300, fails: 1 })
    await until((instances) => instances.get('0000002a')?.health === 'failed', 'the check to fail')
    expect(seen().get('0000002a')?.reason).toBe('web: the command did not end within 0.3 s')
    const [first] = readFileSync(pids, 'utf8').split('\n')
    expect(Number(first)).toBeGreaterThan(1)
    await poll(async () => !existsSync(`/proc/${first}`), {
      timeoutMs: 30_000,
      what: 'what the command has left behind to be killed',
    })
    rmSync(join(host.folder, 'etc/0000002a'), { recursive: true })
    host.add('0000003a', { kind: 'command', argv: ['sh', '-c', 'yes'] }, { fails: 1 })
    await until((instances) => instances.get('0000003a')?.health === 'failed', 'the check to fail')
    expect(seen().get('0000003a')?.reason).toContain('printed more than 256 KiB')
    rmSync(join(host.folder, 'etc/0000003a'), { recursive: true })
  }, 120_000)

  test('a malformed instance is told in the journal, and no other one suffers', async () => {
    host.put('0000004a', { revision: 'x' })
    host.put('0000005a', null)
    await poll(async () => /0000004a.*\n.*0000005a|0000005a.*\n.*0000004a/.test(host.journal), {
      timeoutMs: 30_000,
      what: 'both to be told',
    })
    expect(seen().get(IDS.tcp)?.health).toBe('success')
    expect(seen().has('0000004a')).toBe(false)
  }, 60_000)

  test('an instance that is removed leaves the report', async () => {
    rmSync(join(host.folder, 'etc', IDS.tcp), { recursive: true })
    await until((instances) => !instances.has(IDS.tcp), 'the instance to be gone')
  }, 60_000)

  test('a warden that is asked to end does so without a failure', async () => {
    expect(await host.kill('SIGTERM')).toBe(0)
  }, 60_000)
})
