import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'

const minimal = { ROLLCALL_ANSIBLE_BUNDLE: '/cache/ansible.tar.gz' }

it('listens on loopback only unless told otherwise', () => {
  expect(readConfig(minimal).listen).toEqual({ host: '127.0.0.1', port: 8420, isDefault: true })
  expect(readConfig({ ...minimal, ROLLCALL_LISTEN: '[::]:9000' }).listen).toEqual({
    host: '::',
    port: 9000,
    isDefault: false,
  })
})

it('an empty variable counts as missing', () => {
  expect(readConfig({ ...minimal, DATABASE_URL: '', REDIS_URL: '' })).toMatchObject({
    databaseUrl: undefined,
    redisUrl: undefined,
  })
})

it('every wrong variable is named at once', () => {
  const wrong = {
    ...minimal,
    ROLLCALL_LISTEN: 'here',
    DATABASE_URL: 'mysql://x',
    ROLLCALL_DATA_DIR: 'relative',
  }
  expect(() => readConfig(wrong)).toThrow(
    /ROLLCALL_LISTEN.*DATABASE_URL|ROLLCALL_DATA_DIR.*ROLLCALL_LISTEN.*DATABASE_URL/,
  )
  expect(() => readConfig({ ...minimal, ROLLCALL_LISTEN: '127.0.0.1:70000' })).toThrow(/70000/)
})

it('impossible ports for agents are refused, naming the variable', () => {
  expect(readConfig(minimal).agentPorts).toBeNull()
  expect(readConfig({ ...minimal, ROLLCALL_AGENT_PORTS: '7000-7100' }).agentPorts).toBe('7000-7100')
  const wrong = ['80', '7100-7000', '7000-70000', '7000-', 'all', '7000,7001', '-1', '1e4']
  for (const text of wrong)
    expect(() => readConfig({ ...minimal, ROLLCALL_AGENT_PORTS: text }), text).toThrow(
      expect.objectContaining({
        code: 'server.config_invalid',
        message: expect.stringContaining('ROLLCALL_AGENT_PORTS'),
      }),
    )
})

describe('who is believed, and who may act', () => {
  const invalid = (name: string) =>
    expect.objectContaining({ code: 'server.config_invalid', message: expect.stringContaining(name) })

  it('trusts no proxy by default, and never the whole Internet', () => {
    expect(readConfig(minimal).trustedProxies.has('127.0.0.1')).toBe(false)
    const some = readConfig({ ...minimal, ROLLCALL_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).trustedProxies
    expect([some.has('10.9.9.9'), some.has('::1'), some.has('127.0.0.1')]).toEqual([true, true, false])
    for (const text of ['0.0.0.0/0', '::/0', '*', 'loopback', 'proxy.example', '10.0.0.0/40'])
      expect(() => readConfig({ ...minimal, ROLLCALL_TRUSTED_PROXIES: text }), text).toThrow(
        invalid('ROLLCALL_TRUSTED_PROXIES'),
      )
  })

  it('the public origin is always allowed, and none without HTTPS if it has HTTPS', () => {
    const configured = (url: string, origins = '') =>
      readConfig({ ...minimal, ROLLCALL_PUBLIC_URL: url, ROLLCALL_ALLOWED_ORIGINS: origins }).allowedOrigins
    expect(configured('https://Rollcall.example:443/')).toEqual(['https://rollcall.example'])
    expect(configured('http://rollcall.example:8420', 'https://admin.example')).toEqual([
      'https://admin.example',
      'http://rollcall.example:8420',
    ])
    for (const origin of ['http://admin.example', 'admin.example', 'https://admin.example/path', '*'])
      expect(() => configured('https://rollcall.example', origin), origin).toThrow(
        invalid('ROLLCALL_ALLOWED_ORIGINS'),
      )
  })

  it('the server does not connect to itself unless configured, and by address only', () => {
    expect(readConfig(minimal).allowedAddresses.has('127.0.0.1')).toBe(false)
    const some = readConfig({
      ...minimal,
      ROLLCALL_ALLOWED_ADDRESSES: '127.0.0.0/8 fe80::/10',
    }).allowedAddresses
    expect([some.has('127.0.0.1'), some.has('fe80::1%eth0')]).toEqual([true, true])
    expect(() => readConfig({ ...minimal, ROLLCALL_ALLOWED_ADDRESSES: 'localhost' })).toThrow(
      invalid('ROLLCALL_ALLOWED_ADDRESSES'),
    )
  })
})

describe('single sign-on', () => {
  const sso = {
    ...minimal,
    ROLLCALL_PUBLIC_URL: 'https://rollcall.example/',
    ROLLCALL_OIDC_ISSUER: 'https://id.example',
    ROLLCALL_OIDC_CLIENT_ID: 'rollcall',
  }

  it('creates nobody and gives no rights unless told so', () => {
    expect(readConfig(minimal).oidc).toBeUndefined()
    expect(readConfig(sso).oidc).toMatchObject({
      newUsers: null,
      rights: null,
      name: 'id.example',
      redirectUrl: 'https://rollcall.example/sign-in/sso',
    })
  })

  it('single sign-on that is incomplete, without TLS or with unreadable rights is refused at start', () => {
    const wrong: [Record<string, string>, RegExp][] = [
      [{ ROLLCALL_PUBLIC_URL: '' }, /requires ROLLCALL_PUBLIC_URL/],
      [{ ROLLCALL_OIDC_CLIENT_ID: '' }, /ROLLCALL_OIDC_CLIENT_ID/],
      [{ ROLLCALL_OIDC_ISSUER: 'http://id.example' }, /ROLLCALL_OIDC_ISSUER must start with https/],
      [{ ROLLCALL_OIDC_ISSUER: 'http://127.0.0.1.evil.example' }, /must start with https/],
      [{ ROLLCALL_OIDC_ROLES: '[{"value":"ops","role":"root"}]' }, /ROLLCALL_OIDC_ROLES must be JSON/],
      [{ ROLLCALL_OIDC_CLIENT_SECRET_FILE: '/nowhere/secret' }, /\/nowhere\/secret/],
    ]
    for (const [change, message] of wrong) expect(() => readConfig({ ...sso, ...change })).toThrow(message)
  })
})
