import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { CHALLENGE_HEADER, parseChallenge, SIGNATURE_HEADER } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import { RpcClient, signerOf } from './fixtures/rpc-client.ts'

const NOT_FOUND =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nNot Found\n'
const BODY = '{"jsonrpc":"2.0","id":1,"method":"health_check"}'

let host: AgentHost
beforeAll(async () => {
  host = await AgentHost.start()
})
afterAll(() => host.stop())

const secretOf = () => host.target.signing?.secretKey ?? ''

/** Sends a request with valid certificate, path and token, and this signature. Returns the whole answer. */
async function send(signature: string | null, body = BODY): Promise<string> {
  const { server, port, path, token } = host.target
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    cert: server.certificate,
    key: server.privateKey,
  })
  await once(socket, 'secureConnect')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => socket.destroy())
  const signed = signature === null ? '' : `${SIGNATURE_HEADER}: ${signature}\r\n`
  socket.write(
    `POST /${path}/rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Agent-Token: ${token}\r\n` +
      `${signed}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

/** Creates a signer that knows the agent's epoch and time, shifted by `shiftMs`. */
async function informed({ secretKey = secretOf(), shiftMs = 0 } = {}) {
  const { path, signing } = host.target
  const request = { method: 'POST', path: `/${path}/rpc`, agentPin: signing?.agentPin ?? '' }
  const answer = await send(signerOf(secretOf()).sign(BODY, request))
  const challenge = parseChallenge(new RegExp(`${CHALLENGE_HEADER}: (\\S+)`, 'i').exec(answer)?.[1] ?? '')
  if (!challenge) throw new Error(`no challenge in ${answer}`)
  const signer = signerOf(secretKey)
  signer.learn({ epoch: challenge.epoch, timeMs: challenge.timeMs + shiftMs })
  return (change: Partial<typeof request> & { body?: string } = {}) =>
    signer.sign(change.body ?? BODY, { ...request, ...change })
}

describe('a request counts once, as it was signed, and for the holder of the key alone', () => {
  test('a signed request is answered, so the refusals are no accident', async () => {
    expect(await send((await informed())())).toMatch(/^HTTP\/1.1 200 OK/)
  })

  test.each<[string, () => Promise<string>]>([
    ['the token alone, without a signature', () => send(null)],
    ['a malformed signature', () => send('x')],
    ['a signature with another key', async () => send((await informed({ secretKey: 'k'.repeat(43) }))())],
    ['a signature for another agent', async () => send((await informed())({ agentPin: 'sha256/another' }))],
    ['a signature for another path', async () => send((await informed())({ path: '/another/rpc' }))],
    ['a signature for another method', async () => send((await informed())({ method: 'PUT' }))],
    [
      'an altered body of the same length',
      async () => send((await informed())(), BODY.replace('health_check', 'HEALTH_CHECK')),
    ],
    ['an altered time', async () => send(altered((await informed())(), 2, (time) => `${Number(time) + 1}`))],
    ['an altered nonce', async () => send(altered((await informed())(), 3, (nonce) => `${nonce}0`))],
    ['another epoch under an old signature', async () => send(altered((await informed())(), 1, () => 'x'))],
  ])('%s gets the same 404 as every stranger, byte for byte', async (_what, attempt) => {
    expect(await attempt()).toBe(NOT_FOUND)
  })

  test('a replayed request gets the same 404 as every stranger', async () => {
    const captured = (await informed())()
    expect(await send(captured)).toMatch(/^HTTP\/1.1 200 OK/)
    expect(await send(captured)).toBe(NOT_FOUND)
  })

  test('a stale request is not carried out, and the holder of the key learns the time', async () => {
    const answer = await send((await informed({ shiftMs: 10_000 }))())
    expect(answer).toMatch(/^HTTP\/1.1 401 Unauthorized/)
    expect(answer).not.toContain('jsonrpc')
  })

  test('a restarted agent accepts no request of its earlier lifetime', async () => {
    const sign = await informed()
    const captured = sign()
    expect(await send(captured)).toMatch(/^HTTP\/1.1 200 OK/)
    await host.agent?.kill()
    await host.startAgent()
    const answer = await send(captured)
    expect(answer).toMatch(/^HTTP\/1.1 401 Unauthorized/)
    expect(answer).not.toContain('jsonrpc')
    expect(await send(sign())).toMatch(/^HTTP\/1.1 401 Unauthorized/)
    expect(await send((await informed())())).toMatch(/^HTTP\/1.1 200 OK/)
  })

  test('refused requests leave no secret in the log', () => {
    expect(host.agent?.stderr).not.toContain(secretOf())
    expect(host.agent?.stderr).not.toContain(host.target.token)
  })
})

describe('an agent that an earlier server has installed', () => {
  let old: AgentHost
  beforeAll(async () => {
    old = await AgentHost.create({}, undefined, false)
    await old.startAgent()
  })
  afterAll(() => old.stop())

  test('an agent installed by an earlier server accepts unsigned requests and checks signed ones', async () => {
    expect((await old.client.call('health_check', {})).status).toBe('ok')
    const agentPin = old.agentIdentity.pin
    const clientWith = (secretKey: string) =>
      new RpcClient({ ...old.target, signing: { secretKey, agentPin } })
    const right = clientWith(String(old.config.secret_key))
    const wrong = clientWith('k'.repeat(43))
    expect((await right.call('health_check', {})).status).toBe('ok')
    expect((await wrong.post(BODY)).status).toBe(404)
    right.close()
    wrong.close()
  })
})

/** Changes a part of a signature, numbered from 0. */
function altered(signature: string, part: number, change: (value: string) => string): string {
  const parts = signature.split('.')
  parts[part] = change(parts[part] ?? '')
  return parts.join('.')
}
