import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import * as oidc from 'openid-client'
import type { Config } from '../../platform/config/config.ts'
import type { OidcConfig } from '../../platform/config/oidc-config.ts'
import { LOGGER, type Logger } from '../../platform/log.ts'
import { CONFIG } from '../../platform/tokens.ts'
import { claimAt, mergeClaims } from '../domain/provider-claims.ts'

const TIMEOUT_S = 5
/** After it the provider's description is read anew, so that moved addresses are noticed. Its keys are read when one is new. */
const KNOWN_MS = 3_600_000
const MAX_ANSWER_BYTES = 1024 * 1024

/** The secrets of one attempt to sign in. They leave the server in a sealed cookie only. */
export interface OidcFlow {
  state: string
  nonce: string
  verifier: string
}

/** The verified claims of the provider about a user. */
export type OidcClaims = Readonly<Record<string, unknown>> & { iss: string; sub: string }

/**
 * Talks to the OpenID Connect provider: authorization code flow with PKCE, state and nonce. The provider is asked when somebody
 * wants to sign in with it, each time for at most five seconds: one that is away stops nothing else.
 */
@Injectable()
export class OidcClient {
  private known: { of: OidcConfig; untilMs: number; answer: Promise<oidc.Configuration> } | undefined

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Throws `access.sso_unavailable` while the provider does not answer as one. */
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
   * Exchanges the code for what the provider says. Throws `access.sso_refused` when the provider said no, `access.sso_failed`
   * for an answer that does not belong to this attempt, `access.sso_unavailable` when the provider does not answer.
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
      throw this.toUserError(error)
    }
  }

  /**
   * Many providers tell the e-mail address, whether it is verified, or the roles there alone. It is checked to be of the same subject.
   * Where only the roles are missing, a provider that does not answer gives none.
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
    if (isEmailKnown && (rights === null || claimAt(claims, rights.claim) !== undefined)) return claims
    try {
      return mergeClaims(claims, await oidc.fetchUserInfo(provider, accessToken, claims.sub))
    } catch (error) {
      if (claims[emailClaim] === undefined) throw error
      this.log.warn({ reason: reasonOf(error) }, "the provider's userinfo could not be read")
      return claims
    }
  }

  private settings(): OidcConfig {
    if (this.config.oidc) return this.config.oidc
    throw new RollcallError(
      'request.not_found',
      'There is no single sign-on here. Set ROLLCALL_OIDC_ISSUER to have one.',
    )
  }

  private provider(settings: OidcConfig): Promise<oidc.Configuration> {
    const nowMs = performance.now()
    if (this.known && this.known.of === settings && this.known.untilMs > nowMs) return this.known.answer
    const answer = discover(settings).catch((error) => {
      if (this.known?.answer === answer) this.known = undefined
      this.log.warn(
        { issuer: settings.issuer, reason: reasonOf(error) },
        'the OpenID provider cannot be used',
      )
      throw new RollcallError(
        'access.sso_unavailable',
        `${settings.name} does not answer as the OpenID provider that is set here. Sign in with your password, or try again later.`,
        { cause: error },
      )
    })
    this.known = { of: settings, untilMs: nowMs + KNOWN_MS, answer }
    return answer
  }

  private toUserError(error: unknown): RollcallError {
    const { code } = error as { code?: unknown }
    this.log.warn({ reason: reasonOf(error) }, 'a single sign-on came to nothing')
    if (error instanceof oidc.AuthorizationResponseError)
      return new RollcallError('access.sso_refused', 'The provider has refused to sign you in.', {
        cause: error,
      })
    if (isAway(error) || code === 'OAUTH_TIMEOUT')
      return new RollcallError(
        'access.sso_unavailable',
        'The provider does not answer. Sign in with your password, or try again.',
        { cause: error },
      )
    return new RollcallError(
      'access.sso_failed',
      'What the provider sent back does not belong to this sign-in, or was used before. Begin again.',
      { cause: error },
    )
  }
}

/** As it was set, or with or without the slash at its end: providers differ, and so do people who copy it. */
async function discover(settings: OidcConfig): Promise<oidc.Configuration> {
  try {
    return await discoverAt(settings.issuer, settings)
  } catch (error) {
    const other = settings.issuer.endsWith('/') ? settings.issuer.slice(0, -1) : `${settings.issuer}/`
    const isSpelling = new URL(other).pathname.length > 1 && !isAway(error)
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
    settings.clientSecret === undefined ? oidc.None() : secretAsWanted(settings.clientSecret),
    {
      timeout: TIMEOUT_S,
      [oidc.customFetch]: boundedFetch,
      // Only for a provider on this very machine: the configuration takes no other without TLS.
      ...(settings.issuer.startsWith('http:') && { execute: [oidc.allowInsecureRequests] }),
    },
  )
}

/** In a header unless the provider takes it in the body alone. */
function secretAsWanted(secret: string): oidc.ClientAuth {
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
    if (bytes > MAX_ANSWER_BYTES) throw new TypeError('the provider answers with more than 1 MiB')
    parts.push(part)
  }
  const { status, headers } = response
  return new Response(bytes === 0 ? null : Buffer.concat(parts), { status, headers })
}

/** Network failures, in whatever they were wrapped. */
const isAway = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || error.message === 'fetch failed' || isAway(error.cause))

/** Returns a reason for the log, without tokens and without claims. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  return [error.name, code, error.message].filter(Boolean).join(': ').slice(0, 300)
}
