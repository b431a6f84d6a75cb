import { once } from 'node:events'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { AddressRanges } from '../platform/network/address-ranges.ts'
import { parseTrustedProxies } from '../platform/network/trusted-proxies.ts'
import { PASSWORD, type TestRequest, TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await TestServer.open()
  await server.person('ada@example.com', 'admin')
})
afterAll(() => server?.[Symbol.asyncDispose]())
const trust = (text: string) => {
  server.config.trustedProxies = parseTrustedProxies(text) as AddressRanges
}
afterEach(() => {
  trust('')
  Object.assign(server.config, { publicUrl: undefined, allowedOrigins: [] })
})

const asked = (password: string, headers: Record<string, string>): TestRequest => ({
  method: 'POST',
  body: { email: 'ada@example.com', password },
  headers,
})
const signIn = (headers: Record<string, string>, password = PASSWORD) =>
  server.ask('/api/session', asked(password, headers))
const from = (address: string) => ({ 'x-forwarded-for': address })
const newest = async () =>
  (await server.ask('/api/audit?limit=1', { key: server.localKey })).json.entries[0] as AuditEntry

describe('where a request comes from', () => {
  it('the client address is that of the connection, unless a trusted proxy reports another', async () => {
    await signIn(from('203.0.113.5'))
    expect(await newest()).toMatchObject({ from: '127.0.0.1', action: 'signIn' })
    trust('127.0.0.1')
    await signIn(from('198.51.100.1, 203.0.113.5'))
    expect(await newest()).toMatchObject({ from: '203.0.113.5', action: 'signIn' })
  })

  it('the client address of a refused WebSocket is recorded too', async () => {
    trust('127.0.0.1')
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { headers: from('203.0.113.6') })
    const [error] = await once(socket, 'error')
    expect(String(error)).toContain('401')
    const entry = { from: '203.0.113.6', action: 'openLive', code: 'request.unauthenticated', detail: {} }
    await expect.poll(newest).toMatchObject(entry)
  })
})

describe('guessing', () => {
  it('guessing locks out the guessing address, and no other client behind the proxy', async () => {
    trust('127.0.0.1')
    const guess = (address: string) =>
      server.ask('/api/invites', {
        method: 'POST',
        body: { token: 'x'.repeat(43), password: PASSWORD },
        headers: from(address),
      })
    for (let i = 0; i < 50; i++) expect((await guess('203.0.113.7')).code).toBe('access.link_invalid')
    expect((await guess('203.0.113.7')).code).toBe('access.locked_out')
    expect((await guess('203.0.113.8')).code).toBe('access.link_invalid')
    // Whoever has one address of a /64 has them all.
    for (let i = 0; i < 50; i++) await guess(`2001:db8::${i}`)
    expect((await guess('2001:db8::ffff')).code).toBe('access.locked_out')
    expect((await guess('2001:db8:0:1::1')).code).toBe('access.link_invalid')
  })

  it('failed sign-ins are counted, successful ones are not', async () => {
    for (let i = 0; i < 60; i++) expect((await signIn({})).status).toBe(200)
  }, 120_000)
})

describe('over HTTPS', () => {
  const https = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }

  it('over HTTPS only the secure cookie is set and accepted, and HSTS is sent', async () => {
    trust('127.0.0.1')
    const { cookie, set } = await signIn(https)
    expect(cookie).toMatch(/^__Host-rollcall_session=/)
    expect(set.at(-1)).toMatch(/Path=\/; HttpOnly; Secure; SameSite=Strict/)
    const who = async (text: string, headers: Record<string, string>) =>
      (await server.ask('/api/session', { headers: { ...headers, cookie: text } })).json.principal
    expect(await who(cookie, https)).toMatchObject({ email: 'ada@example.com' })
    expect(await who(cookie.replace('__Host-', ''), https)).toBeNull()
    // Without HTTPS nobody can have set it.
    expect(await who(cookie, {})).toBeNull()
    const answer = await fetch(`${server.url}/api/session`, { headers: https })
    expect(answer.headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}/)
    expect((await fetch(`${server.url}/api/session`)).headers.get('strict-transport-security')).toBeNull()
  })

  it('pages without HTTPS are refused, and those of the public address accepted, whatever Host the proxy sends', async () => {
    server.config.publicUrl = 'https://rollcall.example'
    server.config.allowedOrigins = ['https://rollcall.example']
    const { cookie } = await signIn({ origin: 'https://rollcall.example' })
    const change = (origin: string, headers = {}) =>
      server.ask('/api/account/password', {
        method: 'POST',
        body: {},
        cookie,
        headers: { origin, ...headers },
      })
    expect((await change('https://rollcall.example')).code).toBe('request.invalid')
    for (const origin of ['http://rollcall.example', server.url, 'https://evil.example'])
      expect((await change(origin)).code, origin).toBe('request.forbidden')
  })
})

it('no answer of the API may be cached', async () => {
  for (const path of ['/api/session', '/api/hosts', '/api/nothing', '/api/openapi.json'])
    expect((await fetch(server.url + path)).headers.get('cache-control'), path).toBe('no-store')
})
