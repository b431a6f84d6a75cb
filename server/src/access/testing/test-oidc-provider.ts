import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export interface ProvidedPerson {
  subject: string
  [claim: string]: unknown
}

const MAX_REDIRECTS = 10

/** A real OpenID provider on loopback that signs every visitor in as `person`. */
export class TestOidcProvider {
  person: ProvidedPerson = { subject: 'nobody' }
  readonly clientId = 'rollcall'
  readonly clientSecret = 'a secret of the test alone'

  private constructor(
    private readonly http: Server,
    readonly issuer: string,
    private readonly redirectUrl: string,
  ) {}

  static async open(redirectUrl: string): Promise<TestOidcProvider> {
    const http = createServer()
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const opened = new TestOidcProvider(http, issuer, redirectUrl)
    opened.serve()
    return opened
  }

  private serve(): void {
    const provider: Provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: this.clientId,
          client_secret: this.clientSecret,
          redirect_uris: [this.redirectUrl],
        },
      ],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
      cookies: { keys: ['only for tests'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      findAccount: (_context, id) => {
        const { subject: _, ...claims } = this.person
        return { accountId: id, claims: async () => ({ sub: id, ...claims }) }
      },
      loadExistingGrant: async ({ oidc }) => {
        const { session, client } = oidc
        const grant = new provider.Grant({
          ...(client && { clientId: client.clientId }),
          ...(session?.accountId && { accountId: session.accountId }),
        })
        grant.addOIDCScope('openid email profile')
        await grant.save()
        return grant
      },
    })
    const answer = provider.callback()
    this.http.on('request', (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
      const result = { login: { accountId: this.person.subject } }
      provider
        .interactionFinished(request, response, result)
        .catch((error) => response.writeHead(500).end(String(error)))
    })
  }

  /** Follows the redirects of `url` like a browser. Returns the query of the page it comes back to. */
  async visit(url: string): Promise<string> {
    const cookies = new Map<string, string>()
    let at = url
    for (let i = 0; i < MAX_REDIRECTS && !at.startsWith(this.redirectUrl); i++) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(at, { redirect: 'manual', headers: { cookie } })
      for (const set of response.headers.getSetCookie()) {
        const [pair = ''] = set.split(';')
        cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
      }
      const location = response.headers.get('location')
      if (location === null) throw new Error(`${at} answers ${response.status}: ${await response.text()}`)
      at = new URL(location, at).href
    }
    return new URL(at).search.slice(1)
  }

  async close(): Promise<void> {
    this.http.closeAllConnections()
    await new Promise((resolve) => this.http.close(resolve))
  }
}
