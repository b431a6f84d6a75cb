import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { connect as connectTcp, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { RollcallError } from '@rollcall/contracts'
import { afterEach, describe, expect, it } from 'vitest'
import { createIdentity } from '../crypto/certificates.ts'
import { AgentConnection } from './agent-connection.ts'
import { agentConnector, certificateDigest, openTcp } from './agent-connector.ts'

const agent = createIdentity('agent', new Date())
const other = createIdentity('other', new Date())
const ours = createIdentity('server', new Date())

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function listen(server: TcpServer, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as { port: number }).port
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: RollcallError) => error,
  )

/** A connection to an agent that has just been found silent, on a port on which nobody listens. */
async function inDoubt() {
  const gone = createTcpServer()
  const port = await listen(gone)
  gone.close()
  await once(gone, 'close')
  const connection = new AgentConnection(
    {
      host: '127.0.0.1',
      port,
      path: 'p'.repeat(20),
      token: 'the-token-that-nobody-else-may-see',
      secretKey: 'the-key-that-is-never-sent',
      certificatePin: agent.pin,
      serverPin: ours.pin,
      certificateDigest: certificateDigest(agent.certificatePem),
    },
    agentConnector(ours),
  )
  closing.unshift(() => connection.close())
  expect(await failure(connection.call('get_port', {}))).toMatchObject({ code: 'agent.unreachable' })
  return { port, connection }
}

const tls = (identity: typeof agent) => ({
  cert: identity.certificatePem,
  key: identity.privateKeyPem,
  requestCert: true,
  rejectUnauthorized: false,
})

async function agentOn(port: number): Promise<Server> {
  const https = createServer(tls(agent), (request, response) => {
    let body = ''
    request.on('data', (data) => {
      body += data
    })
    request.on('end', () =>
      response.end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, result: { port: 8080 } })),
    )
  })
  await listen(https, port)
  closing.unshift(() => https.closeAllConnections())
  return https
}

describe('AgentConnection to an agent that was silent', () => {
  it('an agent that is still away gets the same error as before', async () => {
    const { connection } = await inDoubt()
    expect(await failure(connection.call('get_port', {}))).toMatchObject({
      code: 'agent.unreachable',
      outcome: 'not-applied',
      message: 'The agent does not answer: nothing listens on its port (ECONNREFUSED).',
    })
  })

  it('an agent that came back is called on one connection that begins with TLS', async () => {
    const { port, connection } = await inDoubt()
    const https = await agentOn(port)
    let connections = 0
    https.on('connection', () => connections++)
    const refused: unknown[] = []
    https.on('tlsClientError', (error) => refused.push(error))
    expect(await connection.call('get_port', {})).toEqual({ port: 8080 })
    expect(await connection.call('get_port', {})).toEqual({ port: 8080 })
    expect({ connections, refused }).toEqual({ connections: 1, refused: [] })
  })

  it('nothing is sent to another agent in the place of a silent one, so no token either', async () => {
    const { port, connection } = await inDoubt()
    let bytes = 0
    const imposter = createTlsServer(tls(other), (socket) => {
      socket.on('data', (data) => {
        bytes += data.length
      })
      socket.on('error', () => socket.destroy())
    })
    await listen(imposter, port)
    expect(await failure(connection.call('get_port', {}))).toMatchObject({ code: 'agent.identity_changed' })
    expect(bytes).toBe(0)
  })

  it('survives a reset of a connection that was made so, in the handshake and after it', async () => {
    const { port, connection } = await inDoubt()
    const resetting = createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await listen(resetting, port)
    expect(await failure(connection.call('get_port', {}))).toMatchObject({ code: 'agent.unreachable' })
    resetting.close()
    await once(resetting, 'close')

    const https = await agentOn(port)
    const reset = once(https, 'connection').then(([socket]) => socket)
    expect(await connection.call('get_port', {})).toEqual({ port: 8080 })
    const raw = await reset
    raw.resetAndDestroy()
    await once(raw, 'close')
    // It may be told of the reset only now, or have noticed it and connect anew.
    await connection.call('get_port', {}).catch((error) => expect(error.code).toBe('agent.unreachable'))
    expect(await connection.call('get_port', {})).toEqual({ port: 8080 })
  })
})

/** A port whose listener never accepts and whose queue is full, so that the kernel drops what else asks: as a dark host. */
async function darkPort(): Promise<number> {
  const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    require('fs').writeSync(1, String(this.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  closing.push(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout, 'data')
  for (let i = 0; i < 4; i++) {
    const filler = connectTcp(Number(port), '127.0.0.1').on('error', () => undefined)
    closing.unshift(() => filler.destroy())
  }
  return Number(port)
}

it('an unanswered TCP connection ends at its timeout, as with undici', async () => {
  const port = await darkPort()
  const error = await new Promise((resolve) =>
    openTcp({ hostname: '127.0.0.1', port, timeoutMs: 200 }, resolve),
  )
  expect(error).toMatchObject({ code: 'UND_ERR_CONNECT_TIMEOUT' })
})
