import { once } from 'node:events'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { ERRORS, maySay, type RollcallError } from '@rollcall/contracts'
import { CHALLENGE_HEADER, parseSignature, SIGNATURE_HEADER, TOKEN_HEADER } from '@rollcall/contracts/agent'
import { afterEach, describe, expect, it } from 'vitest'
import { createIdentity } from '../crypto/certificates.ts'
import { AgentConnection } from './agent-connection.ts'
import { agentConnector, certificateDigest } from './agent-connector.ts'

const now = new Date()
const agent = createIdentity('agent', now)
const other = createIdentity('other', now)
const server = createIdentity('server', now)
const TOKEN = 'the-token-that-nobody-else-may-see'
const SECRET_KEY = 'the-key-that-is-never-sent'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const tlsOptions = (identity = agent): ServerOptions => ({
  cert: identity.certificatePem,
  key: identity.privateKeyPem,
  requestCert: true,
  rejectUnauthorized: false,
})

interface Listener {
  listen(port: number, host: string): unknown
  address(): unknown
  close(): unknown
}

async function listen(tcp: Listener, host = '127.0.0.1') {
  tcp.listen(0, host)
  await once(tcp as never, 'listening')
  closing.push(() => tcp.close())
  return (tcp.address() as { port: number }).port
}

/** An agent that answers every call with `answer`, and keeps what it was sent. */
async function fakeAgent(
  answer: (id: number, signature: string) => { status?: number; body: string; challenge?: string },
  identity = agent,
  host?: string,
) {
  const seen: { token: unknown; url: unknown; hasClientCertificate: boolean }[] = []
  const https: Server = createServer(tlsOptions(identity), (request, response) => {
    const socket = request.socket as import('node:tls').TLSSocket
    seen.push({
      token: request.headers[TOKEN_HEADER],
      url: request.url,
      hasClientCertificate: socket.getPeerX509Certificate() !== undefined,
    })
    let body = ''
    request.on('data', (data) => {
      body += data
    })
    request.on('end', () => {
      const reply = answer(JSON.parse(body).id, String(request.headers[SIGNATURE_HEADER]))
      const challenge = reply.challenge && { [CHALLENGE_HEADER]: reply.challenge }
      response
        .writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...challenge })
        .end(reply.body)
    })
  })
  closing.push(() => https.closeAllConnections())
  return { port: await listen(https, host), seen }
}

function connect(
  port: number,
  certificatePin = agent.pin,
  known = agent.certificatePem,
  host = '127.0.0.1',
): AgentConnection {
  const connection = new AgentConnection(
    {
      host,
      port,
      path: 'p'.repeat(20),
      token: TOKEN,
      secretKey: SECRET_KEY,
      certificatePin,
      serverPin: server.pin,
      certificateDigest: certificateDigest(known),
    },
    agentConnector(server),
  )
  closing.unshift(() => connection.close())
  return connection
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: RollcallError) => error,
  )
const CODES = Object.keys(ERRORS)
/** As agents of every release send it. */
const toError = (id: number, code: string) => ({
  body: JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code: -32001, message: 'as it says', data: { code, outcome: 'unknown' } },
  }),
})
const port8080 = (id: number) => ({ body: JSON.stringify({ jsonrpc: '2.0', id, result: { port: 8080 } }) })

describe('AgentConnection', () => {
  it('an agent is called on its path, with its token and our certificate', async () => {
    const { port, seen } = await fakeAgent(port8080)
    expect(await connect(port).call('get_port', {})).toEqual({ port: 8080 })
    expect(seen).toEqual([{ token: TOKEN, url: `/${'p'.repeat(20)}/rpc`, hasClientCertificate: true }])
  })

  it.each(['::1', '::1%lo'])('an agent at the IPv6 address %s is called, with its zone', async (host) => {
    const { port } = await fakeAgent(port8080, agent, '::1')
    expect(await connect(port, undefined, undefined, host).call('get_port', {})).toEqual({ port: 8080 })
  })

  it.each(CODES.filter((code) => maySay('agent', code)))(
    'the code %s is believed of an agent',
    async (code) => {
      const { port } = await fakeAgent((id) => toError(id, code))
      const error = await failure(connect(port).call('get_port', {}))
      expect(error).toMatchObject({ code, message: 'as it says', outcome: 'unknown' })
    },
  )

  it.each([...CODES.filter((code) => !maySay('agent', code)), 'host.of_tomorrow'])(
    'the code %s is not believed of an agent',
    async (code) => {
      const { port } = await fakeAgent((id) => toError(id, code))
      const error = await failure(connect(port).call('get_port', {}))
      expect(error).toMatchObject({ code: 'agent.invalid_answer', outcome: 'unknown' })
    },
  )

  it('requests are signed with the agent’s time, and only the first one of its life is challenged', async () => {
    const challenged: string[] = []
    const { port, seen } = await fakeAgent((id, header) => {
      const signature = parseSignature(header)
      if (signature?.epoch === 'life-2' && signature.timeMs >= 777_000) return port8080(id)
      challenged.push(signature?.epoch ?? 'none')
      return { status: 401, body: '', challenge: '1.life-2.777000' }
    })
    const connection = connect(port)
    for (let call = 0; call < 3; call++) expect(await connection.call('get_port', {})).toEqual({ port: 8080 })
    expect(challenged).toEqual(['unknown'])
    expect(seen).toHaveLength(4)
    expect(JSON.stringify(seen)).not.toContain(SECRET_KEY)
  })

  it('an agent that rejects every signature as late is not asked for ever, and may be retried', async () => {
    const { port, seen } = await fakeAgent(() => ({ status: 401, body: '', challenge: '1.life.1' }))
    const error = await failure(connect(port).call('get_port', {}))
    expect(error).toMatchObject({ code: 'agent.unreachable', outcome: 'not-applied' })
    expect(seen).toHaveLength(2)
  })

  it('an agent is recognised by its key, even with another certificate', async () => {
    const { port } = await fakeAgent(port8080)
    expect(await connect(port, agent.pin, other.certificatePem).call('get_port', {})).toEqual({ port: 8080 })
  })

  it('a call keeps its deadline, even if the connection neither opens nor fails', async () => {
    // Accepts, and never begins to speak TLS.
    const port = await listen(createTcpServer())
    const started = performance.now()
    const calls = [{ method: 'heartbeat', params: {} }] as const
    const error = await failure(connect(port).batch(calls, { timeoutMs: 100 }))
    expect(error).toMatchObject({ code: 'agent.unreachable', outcome: 'unknown' })
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('nothing is sent to an agent with another certificate, so no token either', async () => {
    let bytes = 0
    const tls = createTlsServer(tlsOptions(other), (socket) => {
      socket.on('data', (data) => {
        bytes += data.length
      })
      socket.on('error', () => socket.destroy())
    })
    const error = await failure(connect(await listen(tls)).call('get_port', {}))
    expect(error).toMatchObject({ code: 'agent.identity_changed', kind: 'rejected' })
    expect(error.message).toContain(agent.pin)
    expect(error.message).toContain(other.pin)
    expect(bytes).toBe(0)
  })

  it('checks the pin on every connection: a session of the right agent opens no door at the wrong one', async () => {
    // Both share their session tickets, so that the wrong one could resume what the right one began.
    const ticketKeys = Buffer.alloc(48, 1)
    const right = createServer({ ...tlsOptions(), ticketKeys }, (request, response) => {
      request.resume().on('end', () => response.setHeader('connection', 'close').end(port8080(1).body))
    })
    const port = await listen(right)
    const connection = connect(port)
    expect(await connection.call('get_port', {})).toEqual({ port: 8080 })
    await new Promise((resolve) => {
      right.close(resolve)
      right.closeAllConnections()
    })

    let bytes = 0
    const wrong = createTlsServer({ ...tlsOptions(other), ticketKeys }, (socket) => {
      socket.on('data', (data) => {
        bytes += data.length
      })
      socket.on('error', () => socket.destroy())
    })
    wrong.listen(port, '127.0.0.1')
    await once(wrong, 'listening')
    closing.push(() => wrong.close())
    expect(await failure(connection.call('get_port', {}))).toMatchObject({ code: 'agent.identity_changed' })
    expect(bytes).toBe(0)
  })

  it('a call keeps its deadline and its signal while the connection is not answered', async () => {
    const sockets: Socket[] = []
    const mute = createTcpServer((socket) => sockets.push(socket.on('error', () => undefined)))
    const connection = connect(await listen(mute))
    closing.unshift(() => {
      for (const socket of sockets) socket.destroy()
    })
    const started = performance.now()
    const calls = [{ method: 'heartbeat', params: {} }] as const
    const late = await failure(connection.batch(calls, { timeoutMs: 200 }))
    expect(late).toMatchObject({ code: 'agent.unreachable', message: expect.stringContaining('in time') })
    const stopping = AbortSignal.timeout(200)
    await expect(connection.call('get_port', {}, { signal: stopping })).rejects.toBeDefined()
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('a refusal is recognised without reading its body, however long it is', async () => {
    const { port } = await fakeAgent(() => ({ status: 404, body: 'x'.repeat(20_000_000) }))
    expect(await failure(connect(port).call('get_port', {}))).toMatchObject({
      code: 'agent.credentials_refused',
    })
  })

  it('refused credentials differ from an agent that is away', async () => {
    const { port } = await fakeAgent(() => ({ status: 404, body: '' }))
    expect(await failure(connect(port).call('get_port', {}))).toMatchObject({
      code: 'agent.credentials_refused',
      kind: 'rejected',
    })
    const { port: broken } = await fakeAgent(() => ({ status: 503, body: '' }))
    expect(await failure(connect(broken).call('get_port', {}))).toMatchObject({
      code: 'agent.unreachable',
      outcome: 'unknown',
    })
  })

  it('a refused connection means that nothing happened, a broken one that it is unknown', async () => {
    const gone = createTcpServer()
    const port = await listen(gone)
    gone.close()
    expect(await failure(connect(port).call('get_port', {}))).toMatchObject({
      code: 'agent.unreachable',
      outcome: 'not-applied',
    })
    const cut = await listen(createTcpServer((socket) => socket.destroy()))
    expect(await failure(connect(cut).call('get_port', {}))).toMatchObject({
      code: 'agent.unreachable',
      outcome: 'unknown',
    })
  })

  it.each([
    ['is not JSON', () => '<html>'],
    ['is nothing', () => ''],
    ['is another id', (id: number) => JSON.stringify({ jsonrpc: '2.0', id: id + 1, result: { port: 1 } })],
    ['breaks the contract', (id: number) => JSON.stringify({ jsonrpc: '2.0', id, result: { port: 'many' } })],
    [
      'holds more than declared',
      (id: number) => JSON.stringify({ jsonrpc: '2.0', id, result: { port: 1, extra: 1 } }),
    ],
    [
      'carries a prototype',
      (id: number) => `{"jsonrpc":"2.0","id":${id},"result":{"port":1,"__proto__":{"x":1}}}`,
    ],
    ['is larger than any answer', () => 'x'.repeat(9 * 1024 * 1024)],
  ])('an answer that %s is refused', async (_what, body) => {
    const { port } = await fakeAgent((id) => ({ body: body(id) }))
    expect(await failure(connect(port).call('get_port', {}))).toMatchObject({ code: 'agent.invalid_answer' })
  })

  it('the agent’s own error is passed on by its stable code', async () => {
    const error = { code: -32001, message: 'no such command', data: { code: 'command.not_found' } }
    const { port } = await fakeAgent((id) => ({ body: JSON.stringify({ jsonrpc: '2.0', id, error }) }))
    expect(await failure(connect(port).call('get_port', {}))).toMatchObject({
      code: 'command.not_found',
      message: 'no such command',
    })
  })

  it('believes an agent nothing but what concerns commands and itself, and shows no control characters of its', async () => {
    const saying = (code: string) => ({ code: -32001, message: 'red \u001b[31m\nalert', data: { code } })
    const { port } = await fakeAgent((id) => ({
      body: JSON.stringify({ jsonrpc: '2.0', id, error: saying('host.not_found') }),
    }))
    const disbelieved = await failure(connect(port).call('get_port', {}))
    expect(disbelieved).toMatchObject({ code: 'agent.invalid_answer' })
    const { port: other } = await fakeAgent((id) => ({
      body: JSON.stringify({ jsonrpc: '2.0', id, error: saying('command.not_found') }),
    }))
    const believed = await failure(connect(other).call('get_port', {}))
    for (const { message } of [disbelieved, believed]) expect(message).not.toMatch(/\p{Cc}/u)
  })

  it('an aborted call ends at once', async () => {
    const silent = createServer(tlsOptions(), () => undefined)
    closing.push(() => silent.closeAllConnections())
    const aborting = new AbortController()
    const call = failure(connect(await listen(silent)).call('get_port', {}, { signal: aborting.signal }))
    await once(silent, 'request')
    aborting.abort()
    expect((await call).name).toBe('AbortError')
  })
})
