import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface ProviderShape {
  /** The issuer in its metadata and tokens. */
  metadataIssuer: string
  tokenIssuer?: string
  idToken: Record<string, unknown>
  /** Undefined if it has no userinfo endpoint; null if that fails. */
  userinfo?: Record<string, unknown> | null
}

const KEY: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
})
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Replaces `fetch` by a provider of a given shape, so that its real addresses can be used. */
export class StubbedProvider {
  nonce = ''
  readonly asked: string[] = []
  private readonly shape: ProviderShape
  private readonly clientId: string

  constructor(shape: ProviderShape, clientId: string) {
    this.shape = shape
    this.clientId = clientId
  }

  readonly fetch = async (url: string | URL | Request): Promise<Response> => {
    const { href, pathname } = new URL(String(url))
    this.asked.push(href)
    if (pathname.endsWith('/.well-known/openid-configuration')) return this.describe(href)
    if (pathname.endsWith('/keys')) {
      const jwk = KEY.publicKey.export({ format: 'jwk' })
      return Response.json({ keys: [{ ...jwk, kid: 'k', use: 'sig', alg: 'RS256' }] })
    }
    if (pathname.endsWith('/token'))
      return Response.json({ access_token: 'a', token_type: 'bearer', id_token: this.idToken() })
    const { userinfo } = this.shape
    if (pathname.endsWith('/userinfo') && userinfo) return Response.json(userinfo)
    return new Response('no', { status: 500 })
  }

  /** Responds like real providers: with one spelling of the issuer, whichever was requested. */
  private describe(href: string): Response {
    const base = href.replace(/\/\.well-known\/.*$/, '')
    const { metadataIssuer, userinfo } = this.shape
    return Response.json({
      issuer: metadataIssuer,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      jwks_uri: `${base}/keys`,
      ...(userinfo !== undefined && { userinfo_endpoint: `${base}/userinfo` }),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  }

  private idToken(): string {
    const { metadataIssuer, tokenIssuer = metadataIssuer, idToken } = this.shape
    const now = Math.floor(Date.now() / 1000)
    const times = { iat: now, exp: now + 300, nonce: this.nonce }
    const body = { iss: tokenIssuer, aud: this.clientId, sub: 'subject', ...times, ...idToken }
    const text = `${encoded({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${encoded(body)}`
    return `${text}.${sign('sha256', Buffer.from(text), KEY.privateKey).toString('base64url')}`
  }
}
