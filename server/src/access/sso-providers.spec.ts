import pino from 'pino'
import { afterEach, expect, it, vi } from 'vitest'
import { readConfig } from '../platform/config/config.ts'
import { decideSso } from './domain/decide-sso.ts'
import { OidcClient } from './oidc/oidc-client.ts'
import { type ProviderShape, StubbedProvider } from './testing/stubbed-provider.ts'

const TENANT = '8f3b6c1e-0000-4000-8000-000000000001'
const ENTRA = 'https://login.microsoftonline.com'
const ROLES = JSON.stringify([{ value: 'ops', role: 'operator' }])
const ANN = { email: 'ann@example.com', email_verified: true }

afterEach(() => void vi.unstubAllGlobals())

interface Case extends ProviderShape {
  of: string
  issuer: string
  env?: Record<string, string>
  /** Who comes in, or why nobody does. */
  gives: { email: string; role: string } | RegExp
}

/** The whole way through a provider of that shape, to what is decided of somebody whom nobody knows yet. */
async function cameOf({ issuer, env, ...shape }: Case) {
  const config = readConfig({
    ROLLCALL_ANSIBLE_BUNDLE: '/ansible.tar.gz',
    ROLLCALL_PUBLIC_URL: 'https://rollcall.example',
    ROLLCALL_OIDC_ISSUER: issuer,
    ROLLCALL_OIDC_CLIENT_ID: 'client',
    ROLLCALL_OIDC_CLIENT_SECRET: 'secret',
    ROLLCALL_OIDC_NEW_USERS: 'viewer',
    ...env,
  })
  if (!config.oidc) throw new Error('there is no single sign-on')
  const provider = new StubbedProvider(shape, 'client')
  vi.stubGlobal('fetch', provider.fetch)
  const client = new OidcClient(config, pino({ level: 'silent' }))
  const { flow } = await client.begin()
  provider.nonce = flow.nonce
  const claims = await client.finish(`code=c&state=${flow.state}`, flow)
  return decideSso(claims, { linked: undefined, byEmail: undefined }, config.oidc)
}

const groups = { ROLLCALL_OIDC_ROLES: ROLES }
const roles = (claim: string) => ({ ...groups, ROLLCALL_OIDC_ROLE_CLAIM: claim })
const trusted = { ROLLCALL_OIDC_TRUST_EMAILS: 'true' }
const operator = { email: 'ann@example.com', role: 'operator' }
const viewer = { email: 'ann@example.com', role: 'viewer' }
const keycloak = 'https://id.example/realms/main'
const authentik = 'https://id.example/application/o/rollcall'
const cognito = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc'
const same = (issuer: string) => ({ issuer, metadataIssuer: issuer })

const CASES: Case[] = [
  {
    of: 'Keycloak: roles of the realm, nested in the ID token',
    ...same(keycloak),
    env: roles('realm_access.roles'),
    idToken: { ...ANN, realm_access: { roles: ['offline_access', 'ops'] } },
    gives: operator,
  },
  {
    of: 'Keycloak: roles of the client, nested in userinfo alone beside others in the ID token',
    ...same(keycloak),
    env: roles('resource_access.roll.call.roles'),
    idToken: { ...ANN, resource_access: { account: { roles: ['view-profile'] } } },
    userinfo: { sub: 'subject', ...ANN, resource_access: { 'roll.call': { roles: ['ops'] } } },
    gives: operator,
  },
  {
    of: 'Keycloak: an address that is not verified',
    ...same(`${keycloak}/`),
    metadataIssuer: keycloak,
    idToken: { ...ANN, email_verified: false },
    gives: /not confirm that your e-mail address is verified.*ROLLCALL_OIDC_TRUST_EMAILS/,
  },
  {
    of: 'Entra ID of one tenant: roles of the application, and an address of which it says nothing',
    ...same(`${ENTRA}/${TENANT}/v2.0`),
    env: { ...roles('roles'), ...trusted },
    idToken: { email: 'Ann@Example.com', tid: TENANT, roles: ['ops'] },
    userinfo: { sub: 'subject', email: 'Ann@Example.com' },
    gives: operator,
  },
  {
    of: 'Entra ID: an address of which it says nothing, and nobody vouches for',
    ...same(`${ENTRA}/${TENANT}/v2.0`),
    idToken: { email: 'ann@example.com', tid: TENANT },
    gives: /not confirm that your e-mail address is verified/,
  },
  {
    of: 'Entra ID: a name to sign in with in the place of an address',
    ...same(`${ENTRA}/${TENANT}/v2.0`),
    env: { ...trusted, ROLLCALL_OIDC_EMAIL_CLAIM: 'preferred_username' },
    idToken: { preferred_username: 'ann@example.com', tid: TENANT },
    gives: viewer,
  },
  {
    of: 'Entra ID of all tenants: {tenantid} in its own name, and a domain that belongs to the tenant',
    issuer: `${ENTRA}/organizations/v2.0`,
    metadataIssuer: `${ENTRA}/{tenantid}/v2.0`,
    tokenIssuer: `${ENTRA}/${TENANT}/v2.0`,
    idToken: { email: 'ann@example.com', xms_edov: true, tid: TENANT },
    gives: viewer,
  },
  {
    of: 'Entra ID: more groups than it lists',
    ...same(`${ENTRA}/${TENANT}/v2.0`),
    env: { ...groups, ...trusted },
    idToken: { email: 'ann@example.com', tid: TENANT, _claim_names: { groups: 'src1' } },
    gives: /too many/,
  },
  {
    of: 'Authentik: a slash at the end of its name that was left out, groups, an address it does not verify',
    issuer: authentik,
    metadataIssuer: `${authentik}/`,
    env: { ...groups, ...trusted },
    idToken: { email: 'ann@example.com', email_verified: false, groups: ['authentik Admins', 'ops'] },
    gives: operator,
  },
  {
    of: 'Authentik: its description copied in the place of its name',
    issuer: `${authentik}/.well-known/openid-configuration`,
    metadataIssuer: `${authentik}/`,
    idToken: ANN,
    gives: viewer,
  },
  {
    of: 'Zitadel: roles as keys of an object, in userinfo alone as all that it says',
    ...same('https://main.zitadel.cloud'),
    env: roles('urn:zitadel:iam:org:project:roles'),
    idToken: {},
    userinfo: {
      sub: 'subject',
      ...ANN,
      'urn:zitadel:iam:org:project:roles': { ops: { '163840776835432705': 'main.zitadel.cloud' } },
    },
    gives: operator,
  },
  {
    of: 'Cognito: verified as a string in userinfo, groups in the ID token',
    ...same(cognito),
    env: roles('cognito:groups'),
    idToken: { 'cognito:groups': ['ops'] },
    userinfo: { sub: 'subject', email: 'ann@example.com', email_verified: 'true' },
    gives: operator,
  },
  {
    of: 'Cognito: groups of a provider behind it, as one string',
    ...same(cognito),
    env: roles('custom:groups'),
    idToken: { ...ANN, 'custom:groups': '[dev, ops]' },
    gives: operator,
  },
  {
    of: 'Cognito: an address that is not verified, as a string',
    ...same(cognito),
    idToken: { email: 'ann@example.com', email_verified: 'false' },
    gives: /not confirm that your e-mail address is verified/,
  },
  {
    of: 'Google: a slash too many, and no groups',
    issuer: 'https://accounts.google.com/',
    metadataIssuer: 'https://accounts.google.com',
    idToken: { ...ANN, hd: 'example.com' },
    gives: viewer,
  },
  {
    of: 'Google: groups that it does not have',
    ...same('https://accounts.google.com'),
    env: groups,
    idToken: ANN,
    userinfo: { sub: 'subject', ...ANN },
    gives: /groups at the provider grant no access/,
  },
  {
    of: 'Okta: a thin ID token, everything else in userinfo',
    ...same('https://main.okta.com/oauth2/default'),
    env: groups,
    idToken: {},
    userinfo: { sub: 'subject', ...ANN, groups: ['Everyone', 'ops'] },
    gives: operator,
  },
  {
    of: 'another: groups as objects',
    ...same('https://id.example'),
    env: groups,
    idToken: {
      ...ANN,
      groups: [
        { id: '7', name: 'dev' },
        { value: 'ops', display: 'Operations' },
      ],
    },
    gives: operator,
  },
  {
    of: 'another: roles between commas',
    ...same('https://id.example'),
    env: roles('https://id.example/roles'),
    idToken: { ...ANN, 'https://id.example/roles': 'dev,ops' },
    gives: operator,
  },
  {
    of: 'another: a group with the word in its name is another group',
    ...same('https://id.example'),
    env: groups,
    idToken: { ...ANN, groups: 'not ops' },
    gives: /grant no access/,
  },
  {
    of: 'another: an address in userinfo that is not the one in the ID token verifies nothing',
    ...same('https://id.example'),
    idToken: { email: 'ann@example.com' },
    userinfo: { sub: 'subject', email: 'eve@example.com', email_verified: true },
    gives: /not confirm that your e-mail address is verified/,
  },
  {
    of: 'another: userinfo that fails gives no roles, and keeps nobody out who needs none',
    ...same('https://id.example'),
    env: {},
    idToken: { email: 'ann@example.com' },
    userinfo: null,
    gives: /not confirm that your e-mail address is verified/,
  },
]

it.each(CASES)('single sign-on with $of', async ({ gives, ...shape }) => {
  const decision = await cameOf({ gives, ...shape })
  if (gives instanceof RegExp)
    expect(decision).toMatchObject({ kind: 'refuse', why: expect.stringMatching(gives) })
  else expect(decision).toMatchObject({ kind: 'create', email: gives.email, rights: { role: gives.role } })
})

it('a token of another tenant, or an issuer in another spelling, is refused', async () => {
  const entra = { issuer: `${ENTRA}/${TENANT}/v2.0`, metadataIssuer: `${ENTRA}/${TENANT}/v2.0`, idToken: ANN }
  const foreign = { ...entra, of: '', tokenIssuer: `${ENTRA}/another/v2.0`, gives: /x/ }
  await expect(cameOf(foreign)).rejects.toMatchObject({ code: 'access.sso_failed' })
  for (const metadataIssuer of ['https://evil.example', 'https://id.example/other', 'http://id.example/a'])
    await expect(
      cameOf({ of: '', issuer: 'https://id.example/a', metadataIssuer, idToken: ANN, gives: /x/ }),
    ).rejects.toMatchObject({ code: 'access.sso_unavailable' })
})

it('the server does not start with a provider whose addresses nobody verifies', () => {
  const start = (env: Record<string, string>) => () =>
    readConfig({
      ROLLCALL_ANSIBLE_BUNDLE: '/ansible.tar.gz',
      ROLLCALL_PUBLIC_URL: 'https://rollcall.example',
      ROLLCALL_OIDC_ISSUER: 'https://id.example',
      ROLLCALL_OIDC_CLIENT_ID: 'client',
      ...env,
    })
  for (const tenant of ['common', 'organizations', 'consumers'])
    expect(start({ ...trusted, ROLLCALL_OIDC_ISSUER: `${ENTRA}/${tenant}/v2.0` })).toThrow(/all tenants/)
  expect(start({ ROLLCALL_OIDC_EMAIL_CLAIM: 'upn' })).toThrow(/ROLLCALL_OIDC_TRUST_EMAILS=true/)
  expect(start({ ROLLCALL_OIDC_TRUST_EMAILS: 'perhaps' })).toThrow(/ROLLCALL_OIDC_TRUST_EMAILS/)
})
