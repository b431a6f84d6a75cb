import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import { farAway } from './fixtures/far-away.ts'
import { RpcClient } from './fixtures/rpc-client.ts'

const FLOOD = fileURLToPath(new URL('./fixtures/flood.mjs', import.meta.url))
const PER_SECOND = 2000
/** At most: it ends with the calls that are counted. */
const SECONDS = 40
const CALLS = 12
/** The least that a busy machine gets out of the two processes that are flooded and flood. */
const MIN_PER_SECOND = 300
/** In one direction: a round trip takes 100 ms. */
const DELAY_MS = 50

let host: AgentHost
beforeAll(async () => {
  host = await AgentHost.start()
})
afterAll(() => host.stop())

/** Records the first message of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  client.on('error', () => client.destroy())
  const [socket] = await once(server, 'connection')
  const [data] = await once(socket, 'data')
  socket.destroy()
  server.close()
  return data
}

function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

test.each<[string, () => Promise<Buffer>]>([
  ['say nothing', async () => Buffer.alloc(0)],
  ['begin a handshake', clientHello],
])(
  '2,000 connections a second from one address that %s keep no server 100 ms away from its calls',
  async (how, say) => {
    const first = await say()
    const pid = host.agent?.child.pid ?? 0
    // The agent does not know this server's address yet.
    const from = how === 'say nothing' ? '127.0.0.31' : '127.0.0.32'
    const way = await farAway(host.target.port, from, DELAY_MS)
    const argv = [FLOOD, host.target.port, '127.0.0.2', PER_SECOND, SECONDS, first.toString('hex')].map(
      String,
    )
    const flood = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const flooded = once(flood.stdout, 'data').then(([data]) => Number(data))
    const isOver = once(flood, 'close')
    let isFlooding = true
    void isOver.then(() => {
      isFlooding = false
    })
    try {
      const cpuBefore = cpuSecondsOf(pid)
      const began = performance.now()
      const took: number[] = []
      let failures = 0
      // Each call uses a new connection.
      while (isFlooding && took.length + failures < CALLS) {
        const client = new RpcClient({ ...host.target, port: way.port })
        const start = performance.now()
        try {
          await client.call('health_check', {}, AbortSignal.timeout(5000))
          took.push(performance.now() - start)
        } catch {
          // Counted: the test asserts how many get through.
          failures++
        } finally {
          client.close()
        }
      }
      const seconds = (performance.now() - began) / 1000
      const cpu = (cpuSecondsOf(pid) - cpuBefore) / seconds
      flood.kill('SIGTERM')
      const opened = await flooded
      await isOver
      const median = took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? Number.POSITIVE_INFINITY
      console.log(
        `${how}: ${Math.round(opened / seconds)} connections/s against ${took.length} calls that got through (median ${Math.round(median)} ms) and ${failures} that did not; agent ${Math.round(cpu * 100)} % of a core`,
      )
      expect(opened / seconds).toBeGreaterThan(MIN_PER_SECOND)
      expect(took.length).toBeGreaterThan(3)
      expect(failures).toBeLessThanOrEqual(took.length / 10)
    } finally {
      way.close()
      flood.kill('SIGKILL')
    }
  },
  60_000,
)

test('a stranger at the address of the server does not lock it out once it has proven its key', async () => {
  expect((await host.client.call('health_check', {})).status).toBe('ok')
  const argv = [FLOOD, host.target.port, '127.0.0.1', 200, 2, ''].map(String)
  const flood = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const isOver = once(flood, 'close')
  for (let i = 0; i < 10; i++) {
    const client = new RpcClient(host.target)
    expect((await client.call('health_check', {})).status).toBe('ok')
    client.close()
  }
  await isOver
}, 30_000)
