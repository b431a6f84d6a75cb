import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import { makeIdentity } from './fixtures/certificate.ts'

const NOT_FOUND =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nNot Found\n'

let host: AgentHost
beforeAll(async () => {
  // Without signatures, so that each refusal has exactly one reason; signatures.spec.ts covers the others.
  host = await AgentHost.create({ connections: 24, request_bytes: 64 * 1024 }, undefined, false)
  await host.startRunner()
  await host.startAgent()
})
afterAll(() => host.stop())

const stranger = makeIdentity('stranger')

async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { server, port } = host.target
  const keys = { cert: server.certificate, key: server.privateKey }
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...keys, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** Sends a request. Returns all bytes until the agent closes the connection. */
async function exchange(text: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = await open(options)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => socket.destroy())
  socket.write(text)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

const BODY = '{"jsonrpc":"2.0","id":1,"method":"health_check"}'

function request(
  change: { line?: string; type?: string; token?: string; more?: string; body?: string } = {},
): string {
  const { token, path } = host.target
  const body = change.body ?? BODY
  const type = change.type ?? 'Content-Type: application/json\r\n'
  const auth = change.token ?? `X-Agent-Token: ${token}\r\n`
  const line = change.line ?? `POST /${path}/rpc HTTP/1.1`
  return `${line}\r\nHost: x\r\n${type}${auth}${change.more ?? ''}Content-Length: ${body.length}\r\n\r\n${body}`
}

const isAlive = async () => expect((await host.client.call('health_check', {})).status).toBe('ok')

describe('strangers learn nothing', () => {
  test('a valid call is answered, so the refusals are no accident', async () => {
    const answer = await exchange(request({ more: 'Connection: close\r\n' }))
    expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
    expect(answer).not.toMatch(/x-powered-by|etag/i)
  })

  test.each<[string, () => Promise<string>]>([
    ['no client certificate', () => exchange(request(), { cert: undefined, key: undefined })],
    [
      'another client certificate',
      () => exchange(request(), { cert: stranger.certificate, key: stranger.privateKey }),
    ],
    ['no token', () => exchange(request({ token: '' }))],
    ['a wrong token', () => exchange(request({ token: `X-Agent-Token: ${'A'.repeat(43)}\r\n` }))],
    [
      'a token that is longer',
      () => exchange(request({ token: `X-Agent-Token: ${host.target.token}A\r\n` })),
    ],
    ['another path', () => exchange(request({ line: 'POST /x/rpc HTTP/1.1' }))],
    [
      'a query behind the path',
      () => exchange(request({ line: `POST /${host.target.path}/rpc?x HTTP/1.1` })),
    ],
    ['a slash behind the path', () => exchange(request({ line: `POST /${host.target.path}/rpc/ HTTP/1.1` }))],
    ['a path that cannot be decoded', () => exchange(request({ line: 'POST /%zz HTTP/1.1' }))],
    ['GET', () => exchange(request({ line: `GET /${host.target.path}/rpc HTTP/1.1` }))],
    ['OPTIONS', () => exchange(request({ line: 'OPTIONS * HTTP/1.1' }))],
    ['CONNECT', () => exchange('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['an upgrade', () => exchange(request({ more: 'Connection: Upgrade\r\nUpgrade: websocket\r\n' }))],
    ['an expectation', () => exchange(request({ token: '', more: 'Expect: 100-continue\r\n' }))],
    ['another expectation', () => exchange(request({ more: 'Expect: tea\r\n' }))],
    ['another content type', () => exchange(request({ type: 'Content-Type: text/plain\r\n' }))],
    ['no content type', () => exchange(request({ type: '' }))],
    ['no HTTP at all', () => exchange('hello\r\n\r\n')],
    ['headers without end', () => exchange(`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`)],
    ['two content lengths', () => exchange(request({ more: 'Content-Length: 1\r\n' }))],
    [
      'a body that is announced and never comes',
      () => exchange(request({ token: '', more: '' }).replace(/\{.*/, '')),
    ],
  ])('%s gets the same 404 as every stranger, byte for byte', async (_what, attempt) => {
    expect(await attempt()).toBe(NOT_FOUND)
  })

  test('a resumed TLS session is refused', async () => {
    let session: Buffer | undefined
    const first = await open()
    first.on('session', (data) => {
      session = data
    })
    first.write(request())
    await once(first, 'data')
    first.destroy()
    if (session === undefined)
      throw new Error('the agent gave no session to replay: this test proves nothing')
    const socket = await open({ session, cert: undefined, key: undefined })
    expect(socket.isSessionReused()).toBe(false)
    socket.destroy()
    expect(await exchange(request(), { session, cert: undefined, key: undefined })).toBe(NOT_FOUND)
  })

  test('TLS 1.2 is refused', async () => {
    await expect(open({ maxVersion: 'TLSv1.2' })).rejects.toThrow()
    await isAlive()
  })

  test('refused strangers leave no secret in the log', () => {
    expect(host.agent?.stderr).toContain('rpc.refused')
    expect(host.agent?.stderr).not.toContain(host.target.token)
    expect(host.agent?.stderr).not.toContain(host.target.path)
  })
})

describe('limits against load', () => {
  test('a request of 100 MB is refused with its reason and costs no memory', async () => {
    const answer = await host.client.post(Buffer.alloc(100 * 1024 * 1024, 'a'))
    expect(JSON.parse(answer.body)).toMatchObject({
      id: null,
      error: { code: -32001, data: { code: 'request.too_large' } },
    })
    await isAlive()
  })

  test.concurrent('a stranger that sends slowly is cut off after ten seconds', async () => {
    const socket = await open({ cert: undefined, key: undefined })
    const started = Date.now()
    const timer = setInterval(() => socket.write('x'), 200)
    socket.write('POST / HTTP/1.1\r\nX: ')
    socket.on('error', () => socket.destroy())
    await once(socket, 'close')
    clearInterval(timer)
    expect(Date.now() - started).toBeLessThan(16_000)
    await isAlive()
  })

  test.concurrent('a stranger that never starts the handshake is cut off', async () => {
    const socket = connectTcp(host.target.port, '127.0.0.1')
    const started = Date.now()
    socket.on('error', () => socket.destroy())
    socket.resume()
    await once(socket, 'close')
    expect(Date.now() - started).toBeLessThan(11_000)
  })

  test('sockets beyond the limit lock out no server', async () => {
    const sockets = Array.from({ length: 200 }, () =>
      connectTcp(host.target.port, '127.0.0.1').on('error', () => undefined),
    )
    await isAlive()
    host.client.close()
    await isAlive()
    for (const socket of sockets) socket.destroy()
    await isAlive()
  })
})
