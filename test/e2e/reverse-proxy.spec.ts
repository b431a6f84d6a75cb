import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallInput } from '@rollcall/contracts/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Api } from '../fleet/api.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { makeCertificate, type ProxyName, ReverseProxy } from './proxies.ts'

const isRoot = process.getuid?.() === 0
const ORIGIN = 'https://rollcall.example'
/** Another address than the proxy's, on the same machine. */
const CLIENT = '127.0.0.77'
const FORGED = '203.0.113.99'
const PASSWORD = 'correct horse battery'

let folder: string
let server: ServerProcess
let api: Api
let ca: string

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  json: { link: string; error?: { code: string } } & Record<string, unknown>
}

/** As a browser whose user has opened the public address, and who claims to be somebody else. */
function ask(port: number, path: string, asked: { body?: unknown; bytes?: Buffer; cookie?: string } = {}) {
  const { body, bytes, cookie } = asked
  const content = bytes ?? (body === undefined ? undefined : JSON.stringify(body))
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(
      {
        ...place(port),
        path,
        method: content === undefined ? 'GET' : 'POST',
        headers: {
          host: 'rollcall.example',
          'x-forwarded-for': FORGED,
          'x-forwarded-proto': 'http',
          ...(content !== undefined && {
            origin: ORIGIN,
            'content-type': bytes ? 'application/octet-stream' : 'application/json',
            'content-length': Buffer.byteLength(content),
          }),
          ...(cookie && { cookie }),
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part) => parts.push(part))
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, json: JSON.parse(Buffer.concat(parts).toString() || '{}') })
        })
      },
    )
    sent.on('error', reject).end(content)
  })
}

const place = (port: number) => ({
  host: '127.0.0.1',
  port,
  servername: 'rollcall.example',
  ca,
  localAddress: CLIENT,
})
const sessionOf = ({ headers }: Answer) => [headers['set-cookie']].flat().at(-1)?.split(';')[0] ?? ''
const newest = async (filter: CallInput<'listAudit'>['query']) =>
  (await api.call('listAudit', { query: { ...filter, limit: 1 } })).entries[0]

describe.skipIf(!isRoot)(`behind a reverse proxy ${isRoot ? '' : '(needs root to install it)'}`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-proxies-'))
    ca = await makeCertificate(folder)
    server = await ServerProcess.start({
      env: { ROLLCALL_PUBLIC_URL: ORIGIN, ROLLCALL_TRUSTED_PROXIES: '127.0.0.1' },
    })
    api = await server.api()
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  describe.each<ProxyName>(['nginx', 'caddy', 'haproxy'])(
    'of the kind %s, set up as the guide says',
    (name) => {
      const email = `${name}@example.com`
      let proxy: ReverseProxy
      let cookie: string

      beforeAll(async () => {
        proxy = await ReverseProxy.start(name, { folder, server: `127.0.0.1:${server.port}` })
        const added = await api.request<{ link: string }>('POST', '/api/users', {
          email,
          name,
          role: 'admin',
          scope: null,
        })
        const token = added.body.link.split('#')[1]
        const accepted = await ask(proxy.port, '/api/invites', { body: { token, password: PASSWORD } })
        expect(accepted.status, JSON.stringify(accepted.json)).toBe(200)
      })
      afterAll(() => proxy?.[Symbol.asyncDispose]())

      it('users behind a proxy sign in over HTTPS, with a secure cookie and HSTS', async () => {
        const answer = await ask(proxy.port, '/api/session', { body: { email, password: PASSWORD } })
        expect(answer.status, JSON.stringify(answer.json)).toBe(200)
        cookie = sessionOf(answer)
        expect(cookie).toMatch(/^__Host-rollcall_session=/)
        expect(answer.headers['strict-transport-security']).toMatch(/^max-age=/)
        expect(answer.headers['cache-control']).toBe('no-store')
      })

      it('pages behind a proxy may change things, and the audit log has the client address', async () => {
        const body = { name: `of-${name}`, permissions: ['hosts:read'], scope: null }
        const made = await ask(proxy.port, '/api/keys', { body, cookie })
        expect(made.status, JSON.stringify(made.json)).toBe(201)
        expect(await newest({ action: 'addKey', actor: name })).toMatchObject({
          from: CLIENT,
          actor: { name },
        })
        const wrong = { email, password: 'not the password' }
        expect((await ask(proxy.port, '/api/session', { body: wrong })).json.error?.code).toBe(
          'access.wrong_credentials',
        )
        await expect
          .poll(() => newest({ outcome: 'refused' }))
          .toMatchObject({ action: 'signIn', from: CLIENT })
      })

      it('/ws works behind a proxy, and a refused client is recorded by its address', async () => {
        const url = `wss://127.0.0.1:${proxy.port}/ws`
        const headers = { host: 'rollcall.example', 'x-forwarded-for': FORGED }
        const socket = new WebSocket(url, {
          ...place(proxy.port),
          origin: ORIGIN,
          headers: { ...headers, cookie },
        })
        await once(socket, 'open')
        socket.send(JSON.stringify({ type: 'watch-fleet' }))
        const [text] = await once(socket, 'message')
        expect(JSON.parse(String(text)).type).toMatch(/^fleet/)
        socket.close()
        const stranger = new WebSocket(url, { ...place(proxy.port), origin: ORIGIN, headers })
        const [error] = await once(stranger, 'error')
        expect(String(error)).toContain('401')
        await expect.poll(() => newest({ action: 'openLive' })).toMatchObject({ from: CLIENT, actor: null })
      })

      it('files larger than the default limit of the proxy pass through', async () => {
        const bytes = randomBytes(5 * 1024 * 1024)
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        const answer = await ask(proxy.port, '/api/contents', { bytes, cookie })
        expect(answer).toMatchObject({ status: 201, json: { sha256, size: bytes.length } })
      })
    },
  )
})
