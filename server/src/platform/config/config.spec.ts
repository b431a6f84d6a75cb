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

it('takes an empty variable for a missing one', () => {
  expect(readConfig({ ...minimal, DATABASE_URL: '', REDIS_URL: '' })).toMatchObject({
    databaseUrl: undefined,
    redisUrl: undefined,
  })
})

it('names every variable that is wrong at once', () => {
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

it('does not start with ports for agents that cannot be, and names the variable', () => {
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

  it('does not start half configured, without TLS, or with rights that cannot be read', () => {
    const wrong: [Record<string, string>, RegExp][] = [
      [{ ROLLCALL_PUBLIC_URL: '' }, /needs ROLLCALL_PUBLIC_URL/],
      [{ ROLLCALL_OIDC_CLIENT_ID: '' }, /ROLLCALL_OIDC_CLIENT_ID/],
      [{ ROLLCALL_OIDC_ISSUER: 'http://id.example' }, /ROLLCALL_OIDC_ISSUER must start with https/],
      [{ ROLLCALL_OIDC_ISSUER: 'http://127.0.0.1.evil.example' }, /must start with https/],
      [{ ROLLCALL_OIDC_ROLES: '[{"value":"ops","role":"root"}]' }, /ROLLCALL_OIDC_ROLES must be JSON/],
      [{ ROLLCALL_OIDC_CLIENT_SECRET_FILE: '/nowhere/secret' }, /\/nowhere\/secret/],
    ]
    for (const [change, message] of wrong) expect(() => readConfig({ ...sso, ...change })).toThrow(message)
  })
})
