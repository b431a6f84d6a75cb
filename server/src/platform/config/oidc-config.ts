import { readFileSync } from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import { hostScope, type Role, role } from '@rollcall/contracts/admin'
import { z } from 'zod'
import { splitList } from './split-list.ts'

/** The mapping from claims to rights; the first matching line applies. */
const rightsByClaim = z
  .array(z.strictObject({ value: z.string().min(1), role, scope: hostScope.default(null) }))
  .min(1)
  .max(100)

/** Entra's issuers for users of any tenant. */
const ANY_TENANT = /^https:\/\/[^/]*\.microsoftonline\.[^/]+\/(common|organizations|consumers)(\/|$)/i
const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/

export interface OidcConfig {
  issuer: string
  clientId: string
  /** Undefined for a public client. */
  clientSecret: string | undefined
  /** The label of the sign-in button. */
  name: string
  scopes: string
  /** Allowed e-mail domains in lower case; empty allows all. */
  domains: string[]
  /** The role for new users; null refuses them. */
  newUsers: Role | null
  /** Null if rights are managed only here. */
  rights: { claim: string; lines: z.output<typeof rightsByClaim> } | null
  /** The claim with the e-mail address. */
  emailClaim: string
  /** The operator vouches that the provider verifies every address. */
  areEmailsTrusted: boolean
  /** The address to which the provider redirects the browser. */
  redirectUrl: string
}

export const OIDC_VARIABLES = {
  ROLLCALL_OIDC_ISSUER: z
    .url('must be the URL of the OpenID Connect provider, such as https://id.example')
    .refine((text) => text.startsWith('https:') || LOOPBACK.test(text), 'must start with https://')
    .optional(),
  ROLLCALL_OIDC_CLIENT_ID: z.string().max(500).optional(),
  ROLLCALL_OIDC_CLIENT_SECRET: z.string().max(5000).optional(),
  ROLLCALL_OIDC_CLIENT_SECRET_FILE: z.string().regex(/^\//, 'must be an absolute path').optional(),
  ROLLCALL_OIDC_NAME: z.string().max(60, 'must be at most 60 characters').optional(),
  ROLLCALL_OIDC_SCOPES: z
    .string()
    .regex(/\bopenid\b/, 'must contain openid')
    .default('openid email profile'),
  ROLLCALL_OIDC_DOMAINS: z.string().default(''),
  ROLLCALL_OIDC_NEW_USERS: z.enum(['refuse', ...role.options]).default('refuse'),
  ROLLCALL_OIDC_ROLE_CLAIM: z.string().max(200).default('groups'),
  ROLLCALL_OIDC_EMAIL_CLAIM: z.string().min(1).max(200).default('email'),
  ROLLCALL_OIDC_TRUST_EMAILS: z.enum(['true', 'false'], 'must be true or false').default('false'),
  ROLLCALL_OIDC_ROLES: z.string().max(50_000).optional(),
}

const invalid = (message: string, cause?: unknown) =>
  new RollcallError('server.config_invalid', `Invalid environment: ${message}.`, { cause })

/**
 * Reads the single sign-on configuration; undefined without an issuer. Throws `server.config_invalid` for inconsistent
 * settings.
 */
export function readOidcConfig(
  value: z.output<z.ZodObject<typeof OIDC_VARIABLES>>,
  publicUrl: string | undefined,
): OidcConfig | undefined {
  const issuer = value.ROLLCALL_OIDC_ISSUER
  if (issuer === undefined) return undefined
  const clientId = value.ROLLCALL_OIDC_CLIENT_ID
  if (clientId === undefined) throw invalid('ROLLCALL_OIDC_ISSUER also requires ROLLCALL_OIDC_CLIENT_ID')
  if (publicUrl === undefined)
    throw invalid(
      'ROLLCALL_OIDC_ISSUER also requires ROLLCALL_PUBLIC_URL, to which the provider redirects browsers',
    )
  const roles = value.ROLLCALL_OIDC_ROLES
  const emailClaim = value.ROLLCALL_OIDC_EMAIL_CLAIM
  const areEmailsTrusted = value.ROLLCALL_OIDC_TRUST_EMAILS === 'true'
  if (emailClaim !== 'email' && !areEmailsTrusted)
    throw invalid(
      `ROLLCALL_OIDC_EMAIL_CLAIM=${emailClaim} also requires ROLLCALL_OIDC_TRUST_EMAILS=true, because providers do not state whether that claim is verified`,
    )
  if (areEmailsTrusted && ANY_TENANT.test(issuer))
    throw invalid(
      'ROLLCALL_OIDC_TRUST_EMAILS cannot be true for an issuer of all tenants, because any tenant could claim any address; use your own tenant in ROLLCALL_OIDC_ISSUER',
    )
  return {
    issuer: issuer.replace(/\/\.well-known\/openid-configuration\/?$/, ''),
    clientId,
    clientSecret: value.ROLLCALL_OIDC_CLIENT_SECRET ?? readSecret(value.ROLLCALL_OIDC_CLIENT_SECRET_FILE),
    name: value.ROLLCALL_OIDC_NAME ?? new URL(issuer).host,
    scopes: value.ROLLCALL_OIDC_SCOPES,
    domains: splitList(value.ROLLCALL_OIDC_DOMAINS.toLowerCase()),
    newUsers: value.ROLLCALL_OIDC_NEW_USERS === 'refuse' ? null : value.ROLLCALL_OIDC_NEW_USERS,
    rights: roles === undefined ? null : { claim: value.ROLLCALL_OIDC_ROLE_CLAIM, lines: toLines(roles) },
    emailClaim,
    areEmailsTrusted,
    redirectUrl: `${publicUrl}/sign-in/sso`,
  }
}

function readSecret(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw invalid(`failed to read ${path}, set by ROLLCALL_OIDC_CLIENT_SECRET_FILE`, cause)
  }
}

function toLines(text: string) {
  try {
    return rightsByClaim.parse(JSON.parse(text))
  } catch (cause) {
    throw invalid(
      'ROLLCALL_OIDC_ROLES must be JSON such as [{"value":"ops","role":"operator","scope":["env=prod"]}]',
      cause,
    )
  }
}
