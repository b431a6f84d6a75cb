import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { expect, type TestContext, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'

const MEBIBYTE = 1024 * 1024

/** Starts a host that stops when its test ends. */
async function startHost(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  limits: Record<string, number> = {},
): Promise<AgentHost> {
  // Unsigned, since the handwritten requests have no signature.
  const host = await AgentHost.start(limits, undefined, false)
  onTestFinished(() => host.stop())
  return host
}

/** Reads the agent's peak memory, in MiB. */
function peakOf(host: AgentHost): number {
  const status = readFileSync(`/proc/${host.agent?.child.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

const call = (method: string, params: object, id = 1) => ({ jsonrpc: '2.0', id, method, params })
const isUp = async (host: AgentHost) => expect((await host.client.call('health_check', {})).status).toBe('ok')

/** Opens a connection with the server's key, for handwritten requests. */
async function openTrusted({ target: { server, port } }: AgentHost): Promise<TLSSocket> {
  const keys = { cert: server.certificate, key: server.privateKey }
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...keys })
  socket.on('error', () => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

function head({ target }: AgentHost, size: number): string {
  const lines = [`POST /${target.path}/rpc HTTP/1.1`, 'Host: x', 'Content-Type: application/json']
  return [...lines, `X-Agent-Token: ${target.token}`, `Content-Length: ${size}`, '', ''].join('\r\n')
}

const post = (host: AgentHost, body: unknown) => {
  const text = JSON.stringify(body)
  return head(host, Buffer.byteLength(text)) + text
}

/** Starts a command that writes that much and waits. */
async function talkative(host: AgentHost, bytes: number): Promise<string> {
  const id = await host.shell(`head -c ${bytes} /dev/zero; exec sleep 60`)
  const written = async () => (await host.log(id, bytes - 1, { wait_ms: 5000 })).new_offset
  await expect.poll(written, { timeout: 20_000 }).toBe(bytes)
  return id
}

test('forty concurrent commands start only up to the limit', async (context) => {
  const host = await startHost(context, { running_commands: 4 })
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => host.shell('sleep 30')))
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.error] : []))
  expect(outcomes.length - refused.length).toBe(4)
  for (const error of refused)
    expect(error).toMatchObject({ data: { code: 'agent.overloaded', outcome: 'not-applied' } })
  expect((await host.client.call('heartbeat', {})).running_commands).toBe(4)
})

test('concurrent batches with maximum output are answered in part within bounded memory', async (context) => {
  const host = await startHost(context)
  const size = 80 * MEBIBYTE
  const command_id = await talkative(host, size)
  const before = peakOf(host)
  const batch = Array.from({ length: 16 }, (_, i) =>
    call('get_command_log', { command_id, offset: i * 4 * MEBIBYTE, max_bytes: 4 * MEBIBYTE }, i),
  )
  const answers = await Promise.all(Array.from({ length: 8 }, () => host.client.post(JSON.stringify(batch))))
  for (const { body } of answers) {
    const results = JSON.parse(body)
    expect(results).toHaveLength(16)
    for (const { id, result } of results) expect(result.new_offset).toBeGreaterThan(id * 4 * MEBIBYTE)
  }
  expect(peakOf(host) - before).toBeLessThan(150)
  await isUp(host)
  // The memory is freed.
  expect((await host.log(command_id, 0, { max_bytes: 4 * MEBIBYTE })).new_offset).toBe(4 * MEBIBYTE)
})

// These wait for deadlines, each on a host of its own: side by side.
test.concurrent('calls beyond the limit are refused at once, and long polls keep waiting', async (context) => {
  const host = await startHost(context, { calls: 20 })
  const command_id = await host.shell('sleep 60')
  const wait = call('get_command_log', { command_id, offset: 0, wait_ms: 3000 })
  const waiting = [1, 2].map(() => host.client.post(JSON.stringify(Array(10).fill(wait))))
  const heartbeat = async () =>
    JSON.parse((await host.client.post(JSON.stringify(call('heartbeat', {})))).body)
  const refusal = { code: -32002, data: { code: 'agent.overloaded', outcome: 'not-applied' } }
  await expect.poll(heartbeat).toMatchObject({ error: refusal })
  for (const { body } of await Promise.all(waiting))
    for (const { result } of JSON.parse(body)) expect(result).toMatchObject({ log_data: '', is_final: false })
  expect(await heartbeat()).toMatchObject({ result: { running_commands: 1 } })
  expect(host.agent?.stderr.match(/rpc.overloaded/g)).toHaveLength(1)
})

test.concurrent('a server that does not read its answer is cut off, and the answer is freed', async (context) => {
  const host = await startHost(context)
  const command_id = await talkative(host, 8 * MEBIBYTE)
  const socket = await openTrusted(host)
  socket.pause()
  const started = performance.now()
  socket.write(post(host, call('get_command_log', { command_id, offset: 0, max_bytes: 4 * MEBIBYTE })))
  await host.agent?.says('rpc.stalled')
  expect(performance.now() - started).toBeLessThan(16_000)
  socket.destroy()
  await isUp(host)
})

test.concurrent('a server that sends its request too slowly is cut off', async (context) => {
  const host = await startHost(context)
  const socket = await openTrusted(host)
  const started = performance.now()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const timer = setInterval(() => socket.write('x'), 200)
  socket.write(head(host, 10).replace('\r\n\r\n', '\r\nX: '))
  await closed
  clearInterval(timer)
  expect(performance.now() - started).toBeLessThan(16_000)
  await isUp(host)
})

test('concurrent large requests are accepted up to the memory limit', async (context) => {
  const host = await startHost(context, { request_bytes: 2 * MEBIBYTE })
  await isUp(host)
  const before = peakOf(host)
  const sockets: TLSSocket[] = []
  const outcomes: Promise<string>[] = []
  for (let i = 0; i < 11; i++) {
    for (const socket of await Promise.all(Array.from({ length: 10 }, () => openTrusted(host)))) {
      outcomes.push(
        new Promise((resolve) => {
          socket.once('data', (data) => resolve(String(data)))
          socket.once('close', () => resolve('cut off'))
        }),
      )
      // The head is sent at once, since an idle connection is soon closed.
      socket.write(head(host, 2 * MEBIBYTE))
      sockets.push(socket)
    }
  }
  // All but the last byte, so that the agent holds every request.
  for (const socket of sockets) socket.write(' '.repeat(2 * MEBIBYTE - 1))
  await expect
    .poll(() => sockets.every((socket) => socket.destroyed || socket.writableLength === 0), {
      timeout: 60_000,
    })
    .toBe(true)
  for (const socket of sockets) socket.write('1')
  const answers = await Promise.all(outcomes)
  expect(answers.filter((answer) => answer.includes('agent.overloaded')).length).toBeGreaterThan(80)
  expect(answers.filter((answer) => answer.includes('request.invalid')).length).toBeGreaterThan(4)
  // On a slow machine the request times out first.
  const late = answers.filter((answer) => answer === 'cut off' || answer.startsWith('HTTP/1.1 404'))
  expect(late.length).toBeLessThan(15)
  expect(peakOf(host) - before).toBeLessThan(120)
  for (const socket of sockets) socket.destroy()
  await isUp(host)
}, 120_000)
