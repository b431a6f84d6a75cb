import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { AGENT_METHODS } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Identity, makeIdentity } from '../../agent/test/fixtures/certificate.ts'
import { describeConformance } from '../../agent/test/fixtures/conformance.ts'
import { RpcClient } from '../../agent/test/fixtures/rpc-client.ts'
import { poll } from '../bed/poll.ts'
import { type LoadAgent, makeAgents } from './agents.ts'
import { LoadNamespace, whyNoNamespace } from './namespace.ts'
import type { Behaviour, Fault } from './simulator/behaviour.ts'
import { NOT_FOUND } from './simulator/gate.ts'
import { Simulator } from './simulator/simulator.ts'

const reason = await whyNoNamespace()
// On CI a namespace that cannot be is a failure: skipped there, these tests would never run anywhere.
if (reason && process.env.CI) throw new Error(reason)

const BEAT = [
  { jsonrpc: '2.0', id: 1, method: 'heartbeat', params: {} },
  { jsonrpc: '2.0', id: 2, method: 'get_status', params: {} },
]
/** Longer than anything that answers needs here, shorter than anything that does not would take. */
const MAX_WAIT_MS = 700

describe.skipIf(reason)(`simulated agents ${reason ?? ''}`, { timeout: 20_000 }, () => {
  const server = makeIdentity('server')
  const agents = makeAgents(24)
  const clients: RpcClient[] = []
  let namespace: LoadNamespace
  let simulator: Simulator

  beforeAll(async () => {
    namespace = await LoadNamespace.open()
    simulator = await Simulator.start({ namespace, agents, serverPins: [server.pin] })
  })
  afterAll(async () => {
    for (const client of clients) client.close()
    await simulator?.[Symbol.asyncDispose]()
    await namespace?.[Symbol.asyncDispose]()
  })

  const agent = (index: number): LoadAgent => {
    const found = agents[index]
    if (!found) throw new Error(`no agent ${index}`)
    return found
  }
  const clientOf = (index: number): RpcClient => {
    const { port, path, token, secretKey, identity } = agent(index)
    const signing = { secretKey, agentPin: identity.pin }
    const client = new RpcClient({ address: namespace.address, port, path, token, server, signing })
    clients.push(client)
    return client
  }
  const beat = (client: RpcClient) => client.post(JSON.stringify(BEAT), {}, AbortSignal.timeout(MAX_WAIT_MS))
  /** In a word: what came of a heartbeat. */
  const outcome = async (client: RpcClient): Promise<string> => {
    try {
      const { status, body } = await beat(client)
      if (status !== 200) return `status ${status}`
      const answers = JSON.parse(body) as { id: number; result: object }[]
      if (answers.some(({ id }, at) => id !== BEAT[at]?.id)) return 'another id'
      const facts = AGENT_METHODS.get_status.result.safeParse(answers[1]?.result)
      return facts.success ? 'sound' : `invalid ${facts.error.issues[0]?.path.join('.')}`
    } catch (error) {
      return (error as { code?: string }).code ?? (error as Error).name
    }
  }
  const dial = async (identity: Identity, index = 0): Promise<TLSSocket> => {
    const { certificate: cert, privateKey: key } = identity
    const { port } = agent(index)
    const socket = connect({ host: namespace.address, port, cert, key, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return socket
  }

  describeConformance(() => {
    clients[0] ??= clientOf(0)
    return clients[0]
  })

  it('simulated agents have a certificate each, and resume no session', async () => {
    const seen = await Promise.all(
      [1, 2].map(async (index) => {
        const socket = await dial(server, index)
        const certificate = socket.getPeerX509Certificate()?.toString()
        expect(socket.getProtocol()).toBe('TLSv1.3')
        socket.destroy()
        return certificate
      }),
    )
    expect(seen).toEqual([agent(1).identity.certificate, agent(2).identity.certificate])
  })

  it('simulated agents answer every stranger with the same bytes, and record it', async () => {
    const { path, token } = agent(3)
    await simulator.forget()
    const ask = async (identity: Identity, line: string, headers: string) => {
      const socket = await dial(identity, 3)
      socket.end(`${line} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n${headers}\r\n{}`)
      return Buffer.concat(await socket.toArray()).toString()
    }
    const json = 'Content-Type: application/json\r\n'
    const line = `POST /${path}/rpc`
    const right = `${json}X-Agent-Token: ${token}\r\n`
    const answers = await Promise.all([
      ask(makeIdentity('stranger'), line, right),
      ask(server, line, `${json}X-Agent-Token: ${token.slice(0, -1)}x\r\n`),
      ask(server, line, json),
      ask(server, line, `X-Agent-Token: ${token}\r\n`),
      ask(server, `GET /${path}/rpc`, right),
      ask(server, 'POST /rpc', right),
    ])
    expect(answers).toEqual(Array(6).fill(NOT_FOUND))
    expect((await simulator.records()).counts('refused')).toEqual(new Map([[3, 6]]))
    expect(await ask(server, line, right)).toContain('HTTP/1.1 200 OK')
  })

  it('simulated agents report facts by the contract, as long as those of a busy host, and changing', async () => {
    const client = clientOf(4)
    const bodies = [await beat(client), await beat(client)].map(({ body }) => body)
    const [first, second] = bodies.map((body) =>
      AGENT_METHODS.get_status.result.parse(JSON.parse(body)[1].result),
    )
    expect(bodies[0]?.length).toBeGreaterThan(1200)
    expect(first?.hostname).toBe('sim-00005')
    expect(first?.memory.available_bytes).not.toBe(second?.memory.available_bytes)
  })

  // One agent each, so that none meets what another left behind.
  const faults: [Fault, kept: string, fresh: string][] = [
    ['cut', 'ABORT_ERR', 'ABORT_ERR'],
    ['closed', 'ECONNRESET|ECONNREFUSED', 'ECONNREFUSED'],
    ['frozen', 'ABORT_ERR', 'ABORT_ERR'],
    ['hangup', 'ECONNRESET', 'ECONNRESET'],
    ['half', 'ABORT_ERR', 'ABORT_ERR'],
    ['trickle', 'ABORT_ERR', 'ABORT_ERR'],
    ['empty', 'SyntaxError', 'SyntaxError'],
    ['not_json', 'SyntaxError', 'SyntaxError'],
    ['other_id', 'another id', 'another id'],
    ['escapes', 'invalid hostname', 'invalid hostname'],
    ['half_characters', 'invalid hostname', 'invalid hostname'],
    ['long', 'invalid hostname', 'invalid hostname'],
    ['status_400', 'status 400', 'status 400'],
    ['status_401', 'status 401', 'status 401'],
    ['status_404', 'status 404', 'status 404'],
    ['status_500', 'status 500', 'status 500'],
    ['status_503', 'status 503', 'status 503'],
  ]
  it.each(faults)(
    'simulated agents that are %s are so on open and new connections, until it is lifted',
    async (...row) => {
      const [fault, kept, fresh] = row
      const index = 5 + (faults.findIndex(([name]) => name === fault) % 16)
      const client = clientOf(index)
      expect(await outcome(client)).toBe('sound')
      await simulator.behave([index], { fault })
      const seen = await Promise.all([outcome(client), outcome(clientOf(index))])
      expect(seen).toEqual([expect.stringMatching(`^(${kept})$`), fresh])
      await simulator.behave([index], {})
      expect(await outcome(clientOf(index))).toBe('sound')
    },
  )

  it('simulated agents send a prototype, markup or another certificate where configured', async () => {
    await simulator.behave([21], { fault: 'proto_keys' })
    expect((await beat(clientOf(21))).body).toContain('"result":{"__proto__":{"isPolluted":true}')
    await simulator.behave([21], { fault: 'markup' })
    const { body } = await beat(clientOf(21))
    expect(JSON.parse(body)[1].result.hostname).toContain('<script>')
    await simulator.behave([21], { fault: 'other_certificate' })
    const socket = await dial(server, 21)
    expect(socket.getPeerX509Certificate()?.toString()).not.toBe(agent(21).identity.certificate)
    socket.destroy()
  })

  it('simulated agents send a hundred megabytes to a caller that reads them', async () => {
    await simulator.behave([21], { fault: 'huge' })
    expect((await clientOf(21).post(JSON.stringify(BEAT))).body).toHaveLength(100_000_000)
  })

  it('simulated agents delay their answers, and report a wrong clock', async () => {
    const behaviour: Behaviour = { latencyMs: [200, 300], clockOffsetMs: 3_600_000, cpuPercent: 97 }
    await simulator.behave([22], behaviour)
    const started = performance.now()
    const [beatAnswer, status] = JSON.parse((await beat(clientOf(22))).body)
    expect(performance.now() - started).toBeGreaterThan(200)
    expect(beatAnswer.result.time_ms - Date.now()).toBeGreaterThan(3_500_000)
    expect(status.result.cpu.used_percent).toBe(97)
  })

  it('simulated agents flap, each at its own moments', async () => {
    const flapping = { periodMs: 600, soundShare: 0.5 }
    await simulator.behave([22, 23], { fault: 'closed', flapping })
    const seen = new Map([22, 23].map((index) => [index, new Set<string>()]))
    let differed = false
    await poll(
      async () => {
        const [one, other] = await Promise.all([22, 23].map((index) => outcome(clientOf(index))))
        seen.get(22)?.add(one === 'sound' ? 'up' : 'down')
        seen.get(23)?.add(other === 'sound' ? 'up' : 'down')
        differed ||= (one === 'sound') !== (other === 'sound')
        return differed && [...seen.values()].every((states) => states.size === 2)
      },
      { timeoutMs: 10_000, what: 'both agents to be seen up and down, and not together' },
    )
    await simulator.behave([22, 23], {})
  })

  it('simulated agents record who called when, how often, and over which connections', async () => {
    await simulator.forget()
    const [one, other] = [clientOf(1), clientOf(1)]
    await beat(one)
    await beat(one)
    await beat(other)
    await clientOf(2).call('health_check', {})
    const records = await simulator.records()
    expect(records.counts('heartbeat')).toEqual(new Map([[1, 3]]))
    expect(records.counts('connection')).toEqual(
      new Map([
        [1, 2],
        [2, 1],
      ]),
    )
    expect(records.ports(1).size).toBe(2)
    expect(records.greatestRate('get_status')).toBe(3)
    const [call] = records.list({ agent: 1, what: 'heartbeat' })
    expect(call?.what).toEqual(['heartbeat', 'get_status'])
    expect(Math.abs((call?.atMs ?? 0) - Date.now())).toBeLessThan(5000)
  })
})
