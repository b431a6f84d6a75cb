import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AuditEntry } from '@rollcall/contracts/admin'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { OidcConfig } from '../platform/config/oidc-config.ts'
import { PASSWORD, TestServer } from '../testing/test-server.ts'
import { TestOidcProvider } from './testing/test-oidc-provider.ts'

const REDIRECT = 'http://127.0.0.1:8420/sign-in/sso'
let server: TestServer
let provider: TestOidcProvider
let other: TestOidcProvider

const settings = (change: Partial<OidcConfig> = {}): OidcConfig => ({
  issuer: provider.issuer,
  clientId: provider.clientId,
  clientSecret: provider.clientSecret,
  name: 'Test',
  scopes: 'openid email profile',
  domains: [],
  newUsers: null,
  rights: null,
  emailClaim: 'email',
  areEmailsTrusted: false,
  redirectUrl: REDIRECT,
  ...change,
})

beforeAll(async () => {
  server = await TestServer.open()
  provider = await TestOidcProvider.open(REDIRECT)
  other = await TestOidcProvider.open(REDIRECT)
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await provider?.close()
  await other?.close()
})
beforeEach(() => {
  server.config.oidc = settings()
})

const begin = () => server.ask('/api/session/sso', { method: 'POST' })
const finish = (callback: string, cookie: string | undefined) =>
  server.ask('/api/session/sso/callback', { method: 'POST', body: { callback }, cookie })

/** The whole way of a browser: to the provider, back, and in. */
async function signIn(person: TestOidcProvider['person']) {
  provider.person = person
  const begun = await begin()
  return finish(await provider.visit(begun.json.url), begun.cookie)
}
const person = (subject: string, more: object = {}) => ({
  subject,
  email: `${subject}@example.com`,
  email_verified: true,
  ...more,
})
const toUser = async (email: string) =>
  (await server.ask('/api/users', { key: server.localKey })).json.users.find(
    (user: { email: string }) => user.email === email,
  )

it('single sign-on admits nobody before there is an admin, so that no stranger claims the server', async () => {
  server.config.oidc = settings({ newUsers: 'admin' })
  expect(await signIn(person('early'))).toMatchObject({ status: 403, code: 'access.sso_refused' })
  await server.person('admin@example.com', 'admin')
  expect(await toUser('early@example.com')).toBeUndefined()
})

describe('single sign-on', () => {
  it('single sign-on finds a user by a verified address once, and afterwards by issuer and subject alone', async () => {
    await server.person('ann@example.com', 'operator', ['env=prod'])
    const first = await signIn(person('ann'))
    expect(first.json).toMatchObject({
      needsTotp: false,
      principal: { email: 'ann@example.com', role: 'operator' },
    })
    expect(first.set.at(-1)).toMatch(/HttpOnly.*SameSite=Strict/)
    expect((await server.ask('/api/hosts', { cookie: first.cookie })).status).toBe(200)
    const renamed = await signIn(person('ann', { email: 'ann@new.example', email_verified: false }))
    expect(renamed.json.principal).toMatchObject({ email: 'ann@example.com' })
    // Somebody else got her old address at the provider.
    const heir = await signIn(person('heir', { email: 'ann@example.com' }))
    expect(heir.code).toBe('access.sso_refused')
  })

  it('single sign-on refuses unverified addresses, unknown users and foreign domains', async () => {
    await server.person('bob@example.com', 'viewer')
    for (const isVerified of [false, undefined, 'false', 'yes', 1, {}, ['true']])
      expect((await signIn(person('bob', { email_verified: isVerified }))).code).toBe('access.sso_refused')
    expect((await signIn(person('unknown'))).code).toBe('access.sso_refused')
    server.config.oidc = settings({ domains: ['corp.example'] })
    expect((await signIn(person('bob'))).code).toBe('access.sso_refused')
  })

  it('single sign-on refuses a disabled user, linked or not', async () => {
    const { id } = await server.person('dan@example.com', 'viewer')
    expect((await signIn(person('dan'))).status).toBe(200)
    const { version } = await toUser('dan@example.com')
    const body = { version, isDisabled: true }
    await server.ask(`/api/users/${id}`, { method: 'PATCH', key: server.localKey, body })
    expect((await signIn(person('dan'))).code).toBe('access.sso_refused')
  })

  it('single sign-on creates a user if configured, with rights from the claims, and updates them', async () => {
    const line = { value: 'ops', role: 'operator' as const, scope: ['env=prod'] }
    const viewing = { value: 'look', role: 'viewer' as const, scope: null }
    server.config.oidc = settings({ newUsers: 'viewer', rights: { claim: 'groups', lines: [line, viewing] } })
    expect((await signIn(person('new', { groups: ['none'] }))).code).toBe('access.sso_refused')
    const made = await signIn(person('new', { name: 'New\u0000 One', groups: ['look', 'ops'] }))
    expect(made.json.principal).toMatchObject({ role: 'operator', scope: ['env=prod'] })
    const less = await signIn(person('new', { groups: 'look' }))
    expect(less.json.principal).toMatchObject({ role: 'viewer', scope: null })
    expect(await toUser('new@example.com')).toMatchObject({ role: 'viewer', hasPassword: false })
  })

  it('single sign-on asks for the second factor of a user who has one', async () => {
    const { cookie } = await server.person('tot@example.com', 'viewer')
    const post = (path: string, body: object) => server.ask(path, { method: 'POST', body, cookie })
    const { secret } = (await post('/api/account/totp', { password: PASSWORD })).json
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate()
    expect((await post('/api/account/totp/confirm', { code })).status).toBe(200)
    const half = await signIn(person('tot'))
    expect(half.json).toEqual({ needsTotp: true, principal: null })
    expect((await server.ask('/api/hosts', { cookie: half.cookie })).status).toBe(401)
  })
})

describe('attacks on single sign-on', () => {
  beforeAll(async () => void (await server.person('eve@example.com', 'viewer')))

  it('an authorization code is accepted once', async () => {
    provider.person = person('eve')
    const { json, cookie } = await begin()
    const callback = await provider.visit(json.url)
    expect((await finish(callback, cookie)).status).toBe(200)
    expect((await finish(callback, cookie)).code).toBe('access.sso_failed')
  })

  it('another state, no state, no cookie, a forged cookie or that of another attempt open nothing', async () => {
    provider.person = person('eve')
    const [mine, foreign] = [await begin(), await begin()]
    const callback = await provider.visit(mine.json.url)
    const without = new URLSearchParams(callback)
    without.delete('state')
    const wrong = new URLSearchParams(callback)
    wrong.set('state', 'x'.repeat(43))
    for (const [text, cookie] of [
      [String(without), mine.cookie],
      [String(wrong), mine.cookie],
      [callback, undefined],
      [callback, `rollcall_sso=${'A'.repeat(200)}`],
      [callback, foreign.cookie],
    ] as const)
      expect((await finish(text, cookie)).code).toBe('access.sso_failed')
    // None of these has used the code up.
    expect((await finish(callback, mine.cookie)).status).toBe(200)
  })

  it('an ID token of another nonce is refused, and so is a code that was asked for with another verifier', async () => {
    provider.person = person('eve')
    for (const [name, value] of [
      ['nonce', 'of-somebody-else'],
      ['code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    ] as const) {
      const { json, cookie } = await begin()
      const url = new URL(json.url)
      expect(url.searchParams.get('code_challenge_method')).toBe('S256')
      url.searchParams.set(name, value)
      expect((await finish(await provider.visit(url.href), cookie)).code).toBe('access.sso_failed')
    }
  })

  it('an answer of another provider is refused before its code goes anywhere (mix-up)', async () => {
    other.person = person('eve')
    const { json, cookie } = await begin()
    const there = new URL(json.url)
    const mixed = await other.visit(`${other.issuer}${there.pathname}${there.search}`)
    expect(mixed).toContain(encodeURIComponent(other.issuer))
    expect((await finish(mixed, cookie)).code).toBe('access.sso_failed')
    const without = new URLSearchParams(mixed)
    without.delete('iss')
    expect((await finish(String(without), cookie)).code).toBe('access.sso_failed')
  })

  it('a page of another site can neither begin nor end single sign-on', async () => {
    const headers = { origin: 'https://evil.example' }
    const paths = ['/api/session/sso', '/api/session/sso/callback']
    for (const path of paths)
      expect(
        (await server.ask(path, { method: 'POST', body: { callback: 'code=x&state=y' }, headers })).code,
      ).toBe('request.forbidden')
  })

  it('a refusal by the provider is reported as such, and no code is in the audit log', async () => {
    const { json, cookie } = await begin()
    const state = new URL(json.url).searchParams.get('state')
    const iss = encodeURIComponent(provider.issuer)
    const denied = await finish(
      `error=access_denied&error_description=MARKER&state=${state}&iss=${iss}`,
      cookie,
    )
    expect(denied.code).toBe('access.sso_refused')
    const read = async () =>
      (await server.ask('/api/audit?limit=500', { key: server.localKey })).json.entries as AuditEntry[]
    await expect
      .poll(async () =>
        (await read()).some((each) => each.action === 'finishSso' && each.outcome === 'refused'),
      )
      .toBe(true)
    expect(JSON.stringify(await read())).not.toMatch(/MARKER|code=/)
  })
})

describe('a provider that is away', () => {
  let hanging: Server
  beforeAll(async () => {
    hanging = createServer((_request, response) => void response.writeHead(200).flushHeaders())
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    hanging.closeAllConnections()
    hanging.close()
  })

  it('a provider that is away stops neither the server nor sign-in by password', async () => {
    server.config.oidc = settings({ issuer: 'http://127.0.0.1:1' })
    expect(await begin()).toMatchObject({ status: 503, code: 'access.sso_unavailable' })
    const issuer = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`
    server.config.oidc = settings({ issuer })
    const [hung, local] = await Promise.all([
      begin(),
      server.ask('/api/session', { method: 'POST', body: { email: 'eve@example.com', password: PASSWORD } }),
    ])
    expect(local.status).toBe(200)
    expect(hung).toMatchObject({ status: 503, code: 'access.sso_unavailable' })
  }, 30_000)

  it('a provider that claims another issuer is refused', async () => {
    const liar = createServer((_request, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ issuer: provider.issuer, authorization_endpoint: `${provider.issuer}/auth` })),
    )
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
    server.config.oidc = settings({ issuer: `http://127.0.0.1:${(liar.address() as AddressInfo).port}` })
    expect(await begin()).toMatchObject({ status: 503, code: 'access.sso_unavailable' })
    liar.closeAllConnections()
    liar.close()
  })
})

it('single sign-on is not offered unless it is configured', async () => {
  server.config.oidc = undefined
  expect((await begin()).code).toBe('request.not_found')
  expect((await server.ask('/api/session')).json.ssoName).toBeNull()
})
