import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import * as oidc from 'openid-client'
import type { Config } from '../../platform/config/config.ts'
import type { OidcConfig } from '../../platform/config/oidc-config.ts'
import { LOGGER, type Logger } from '../../platform/log.ts'
import { CONFIG } from '../../platform/tokens.ts'
import { findClaim, mergeClaims } from '../domain/provider-claims.ts'

const TIMEOUT_S = 5
/**
 * How long the provider's metadata is cached, so that moved endpoints are noticed. Keys are fetched when a new one
 * appears.
 */
const METADATA_TTL_MS = 3_600_000
const MAX_ANSWER_BYTES = 1024 * 1024

/** The secrets of one sign-in attempt. They leave the server only in a sealed cookie. */
export interface OidcFlow {
  state: string
  nonce: string
  verifier: string
}

/** The verified claims of the provider about a user. */
export type OidcClaims = Readonly<Record<string, unknown>> & { iss: string; sub: string }

/**
 * Runs the authorization code flow with PKCE, state and nonce. The provider is called only for sign-ins, with a timeout
 * of five seconds, so an outage affects nothing else.
 */
@Injectable()
export class OidcClient {
  private cached: { of: OidcConfig; untilMs: number; answer: Promise<oidc.Configuration> } | undefined

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Starts a sign-in. Throws `access.sso_unavailable` if the provider does not respond. */
  async begin(): Promise<{ url: string; flow: OidcFlow }> {
    const settings = this.settings()
    const provider = await this.provider(settings)
    const flow = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
    }
    const url = oidc.buildAuthorizationUrl(provider, {
      redirect_uri: settings.redirectUrl,
      scope: settings.scopes,
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: 'S256',
    })
    return { url: url.href, flow }
  }

  /**
   * Exchanges the code for claims. Throws `access.sso_refused` if the provider refused, `access.sso_failed` if the
   * response does not belong to this attempt, and `access.sso_unavailable` if the provider does not respond.
   */
  async finish(callback: string, flow: OidcFlow): Promise<OidcClaims> {
    const settings = this.settings()
    const provider = await this.provider(settings)
    try {
      const url = new URL(settings.redirectUrl)
      url.search = callback
      const tokens = await oidc.authorizationCodeGrant(provider, url, {
        pkceCodeVerifier: flow.verifier,
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims() as OidcClaims
      return await this.withUserinfo(provider, settings, tokens.access_token, claims)
    } catch (error) {
      throw this.toRollcallError(error)
    }
  }

  /**
   * Adds claims from userinfo, where many providers put the e-mail address or roles, after checking the subject. If
   * only roles are missing and userinfo fails, there are none.
   */
  private async withUserinfo(
    provider: oidc.Configuration,
    { emailClaim, areEmailsTrusted, rights }: OidcConfig,
    accessToken: string,
    claims: OidcClaims,
  ): Promise<OidcClaims> {
    if (!provider.serverMetadata().userinfo_endpoint) return claims
    const isEmailKnown =
      claims[emailClaim] !== undefined && (areEmailsTrusted || claims.email_verified !== undefined)
    if (isEmailKnown && (rights === null || findClaim(claims, rights.claim) !== undefined)) return claims
    try {
      return mergeClaims(claims, await oidc.fetchUserInfo(provider, accessToken, claims.sub))
    } catch (error) {
      if (claims[emailClaim] === undefined) throw error
      this.log.warn({ reason: toLogReason(error) }, "failed to read the provider's userinfo")
      return claims
    }
  }

  /** Throws `request.not_found` without single sign-on. */
  settings(): OidcConfig {
    if (this.config.oidc) return this.config.oidc
    throw new RollcallError(
      'request.not_found',
      'Single sign-on is not configured. Set ROLLCALL_OIDC_ISSUER to enable it.',
    )
  }

  private provider(settings: OidcConfig): Promise<oidc.Configuration> {
    const nowMs = performance.now()
    if (this.cached && this.cached.of === settings && this.cached.untilMs > nowMs) return this.cached.answer
    const answer = discover(settings).catch((error) => {
      if (this.cached?.answer === answer) this.cached = undefined
      this.log.warn(
        { issuer: settings.issuer, reason: toLogReason(error) },
        'failed to reach the OpenID provider',
      )
      throw new RollcallError(
        'access.sso_unavailable',
        `${settings.name} does not respond as an OpenID provider. Sign in with your password, or try again later.`,
        { cause: error },
      )
    })
    this.cached = { of: settings, untilMs: nowMs + METADATA_TTL_MS, answer }
    return answer
  }

  private toRollcallError(error: unknown): RollcallError {
    const { code } = error as { code?: unknown }
    this.log.warn({ reason: toLogReason(error) }, 'a single sign-on failed')
    if (error instanceof oidc.AuthorizationResponseError)
      return new RollcallError('access.sso_refused', 'The provider refused the sign-in.', {
        cause: error,
      })
    if (isNetworkFailure(error) || code === 'OAUTH_TIMEOUT')
      return new RollcallError(
        'access.sso_unavailable',
        'The provider does not respond. Sign in with your password, or try again later.',
        { cause: error },
      )
    return new RollcallError(
      'access.sso_failed',
      'The response of the provider does not belong to this sign-in or was already used. Start again.',
      { cause: error },
    )
  }
}

/** Discovers the issuer as configured, else with or without its trailing slash, in which providers and users differ. */
async function discover(settings: OidcConfig): Promise<oidc.Configuration> {
  try {
    return await discoverAt(settings.issuer, settings)
  } catch (error) {
    const other = settings.issuer.endsWith('/') ? settings.issuer.slice(0, -1) : `${settings.issuer}/`
    const isSpelling = new URL(other).pathname.length > 1 && !isNetworkFailure(error)
    if (!isSpelling) throw error
    return await discoverAt(other, settings).catch(() => {
      throw error
    })
  }
}

function discoverAt(issuer: string, settings: OidcConfig): Promise<oidc.Configuration> {
  return oidc.discovery(
    new URL(issuer),
    settings.clientId,
    undefined,
    settings.clientSecret === undefined ? oidc.None() : toClientAuth(settings.clientSecret),
    {
      timeout: TIMEOUT_S,
      [oidc.customFetch]: boundedFetch,
      // Allows HTTP for a provider on this machine; the configuration accepts no other without TLS.
      ...(settings.issuer.startsWith('http:') && { execute: [oidc.allowInsecureRequests] }),
    },
  )
}

/** Sends the secret in a header, unless the provider accepts it only in the body. */
function toClientAuth(secret: string): oidc.ClientAuth {
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const isInBody = methods.includes('client_secret_post') && !methods.includes('client_secret_basic')
    const auth = isInBody ? oidc.ClientSecretPost(secret) : oidc.ClientSecretBasic(secret)
    return auth(server, client, body, headers)
  }
}

async function boundedFetch(url: string, options: oidc.CustomFetchOptions): Promise<Response> {
  const response = await fetch(url, options as RequestInit)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_ANSWER_BYTES) throw new TypeError('the response of the provider exceeds 1 MiB')
    parts.push(part)
  }
  const { status, headers } = response
  return new Response(bytes === 0 ? null : Buffer.concat(parts), { status, headers })
}

/** Tells whether an error is a network failure, however deeply wrapped. */
const isNetworkFailure = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || error.message === 'fetch failed' || isNetworkFailure(error.cause))

/** Returns a reason for the log, without tokens and claims. */
function toLogReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  return [error.name, code, error.message].filter(Boolean).join(': ').slice(0, 300)
}
