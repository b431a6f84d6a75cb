import { Api } from '../fleet/api.ts'

/** Somebody who speaks to the server: nobody at all, a browser with a session, or a program with a key. */
export class Caller extends Api {
  readonly name: string

  constructor(name: string, url: string, headers: Record<string, string> = {}) {
    super(url, headers)
    this.name = name
  }

  static withKeyOf(name: string, url: string, key: string): Caller {
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
}
