import { readFileSync } from 'node:fs'
import { RollcallError } from '@rollcall/contracts'
import { hostScope, type Role, role } from '@rollcall/contracts/admin'
import { z } from 'zod'

/** The rights by claims: the first line that matches. */
const rightsByClaim = z
  .array(z.strictObject({ value: z.string().min(1), role, scope: hostScope.default(null) }))
  .min(1)
  .max(100)

/** Entra's addresses for people of any tenant. */
const ANY_TENANT = /^https:\/\/[^/]*\.microsoftonline\.[^/]+\/(common|organizations|consumers)(\/|$)/i
const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/

export interface OidcConfig {
  issuer: string
  clientId: string
  /** Undefined for a public client. */
  clientSecret: string | undefined
  /** On the button. */
  name: string
  scopes: string
  /** E-mail domains that are let in, in lower case; empty for all. */
  domains: string[]
  /** The role of somebody whom no user fits; null to refuse them. */
  newUsers: Role | null
  /** Null where rights are given here alone. */
  rights: { claim: string; lines: z.output<typeof rightsByClaim> } | null
  /** The claim with the e-mail address. */
  emailClaim: string
  /** The operator vouches that the provider has verified every address. */
  areEmailsTrusted: boolean
  /** Where the provider sends the browser back to. */
  redirectUrl: string
}

export const OIDC_VARIABLES = {
  ROLLCALL_OIDC_ISSUER: z
    .url('must be the address of the OpenID Connect provider, such as https://id.example')
    .refine((text) => text.startsWith('https:') || LOOPBACK.test(text), 'must start with https://')
    .optional(),
  ROLLCALL_OIDC_CLIENT_ID: z.string().max(500).optional(),
  ROLLCALL_OIDC_CLIENT_SECRET: z.string().max(5000).optional(),
  ROLLCALL_OIDC_CLIENT_SECRET_FILE: z.string().regex(/^\//, 'must be an absolute path').optional(),
  ROLLCALL_OIDC_NAME: z.string().max(60, 'must be at most 60 characters').optional(),
  ROLLCALL_OIDC_SCOPES: z
    .string()
    .regex(/\bopenid\b/, 'must hold openid')
    .default('openid email profile'),
  ROLLCALL_OIDC_DOMAINS: z.string().default(''),
  ROLLCALL_OIDC_NEW_USERS: z.enum(['refuse', ...role.options]).default('refuse'),
  ROLLCALL_OIDC_ROLE_CLAIM: z.string().max(200).default('groups'),
  ROLLCALL_OIDC_EMAIL_CLAIM: z.string().min(1).max(200).default('email'),
  ROLLCALL_OIDC_TRUST_EMAILS: z.enum(['true', 'false'], 'must be true or false').default('false'),
  ROLLCALL_OIDC_ROLES: z.string().max(50_000).optional(),
}

const invalid = (message: string, cause?: unknown) =>
  new RollcallError('server.config_invalid', `The environment is not valid: ${message}.`, { cause })

/** Undefined where no issuer is named. Throws `server.config_invalid` for what does not go together. */
export function readOidcConfig(
  value: z.output<z.ZodObject<typeof OIDC_VARIABLES>>,
  publicUrl: string | undefined,
): OidcConfig | undefined {
  const issuer = value.ROLLCALL_OIDC_ISSUER
  if (issuer === undefined) return undefined
  const clientId = value.ROLLCALL_OIDC_CLIENT_ID
  if (clientId === undefined) throw invalid('ROLLCALL_OIDC_ISSUER needs ROLLCALL_OIDC_CLIENT_ID as well')
  if (publicUrl === undefined)
    throw invalid('ROLLCALL_OIDC_ISSUER needs ROLLCALL_PUBLIC_URL: the provider sends browsers back to it')
  const roles = value.ROLLCALL_OIDC_ROLES
  const emailClaim = value.ROLLCALL_OIDC_EMAIL_CLAIM
  const areEmailsTrusted = value.ROLLCALL_OIDC_TRUST_EMAILS === 'true'
  if (emailClaim !== 'email' && !areEmailsTrusted)
    throw invalid(
      `ROLLCALL_OIDC_EMAIL_CLAIM=${emailClaim} needs ROLLCALL_OIDC_TRUST_EMAILS=true as well: no provider says of that claim that it is verified`,
    )
  if (areEmailsTrusted && ANY_TENANT.test(issuer))
    throw invalid(
      'ROLLCALL_OIDC_TRUST_EMAILS cannot be true for an issuer of all tenants: whoever has a tenant of their own could take any address there; name your own tenant in ROLLCALL_OIDC_ISSUER',
    )
  return {
    issuer: issuer.replace(/\/\.well-known\/openid-configuration\/?$/, ''),
    clientId,
    clientSecret: value.ROLLCALL_OIDC_CLIENT_SECRET ?? secretIn(value.ROLLCALL_OIDC_CLIENT_SECRET_FILE),
    name: value.ROLLCALL_OIDC_NAME ?? new URL(issuer).host,
    scopes: value.ROLLCALL_OIDC_SCOPES,
    domains: value.ROLLCALL_OIDC_DOMAINS.toLowerCase()
      .split(',')
      .map((domain) => domain.trim())
      .filter(Boolean),
    newUsers: value.ROLLCALL_OIDC_NEW_USERS === 'refuse' ? null : value.ROLLCALL_OIDC_NEW_USERS,
    rights: roles === undefined ? null : { claim: value.ROLLCALL_OIDC_ROLE_CLAIM, lines: toLines(roles) },
    emailClaim,
    areEmailsTrusted,
    redirectUrl: `${publicUrl}/sign-in/sso`,
  }
}

function secretIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw invalid(`the file ${path} that ROLLCALL_OIDC_CLIENT_SECRET_FILE names cannot be read`, cause)
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
