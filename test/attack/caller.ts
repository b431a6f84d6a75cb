import type { Answer } from '../fleet/api.ts'

/** Somebody who speaks to the server: nobody at all, a browser with a session, or a program with a key. */
export class Caller {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>

  constructor(name: string, url: string, headers: Record<string, string> = {}) {
    this.name = name
    this.url = url
    this.headers = headers
  }

  static withKey(name: string, url: string, key: string): Caller {
    return new Caller(name, url, { authorization: `Bearer ${key}` })
  }

  /** Signs in as a browser does. Throws where that is refused. */
  static async signIn(name: string, url: string, email: string, password: string): Promise<Caller> {
    const response = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ email, password }),
    })
    if (!response.ok) throw new Error(`${name} could not sign in: ${await response.text()}`)
    const cookie = response.headers.getSetCookie().map((each) => each.split(';')[0])
    return new Caller(name, url, { cookie: cookie.join('; '), origin: url })
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T> & { headers: Headers }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
    })
    const text = await response.text()
    return { status: response.status, body: parsed(text) as T, headers: response.headers }
  }

  /** The body of an answer that must be a success. */
  async get<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body)
    if (answer.status >= 300)
      throw new Error(
        `${this.name}: ${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
      )
    return answer.body
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
