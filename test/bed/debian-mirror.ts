import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bed, Host } from './index.ts'

const MIRRORS = new Set(['deb.debian.org', 'security.debian.org'])
const APT_CONF = '/etc/apt/apt.conf.d/90-mirror'

/** The way to Debian's own mirrors for hosts of a bed, which have none: what apt calls a proxy. It leads nowhere else. */
export class DebianMirror implements AsyncDisposable {
  readonly #server: Server
  readonly #url: string

  private constructor(server: Server, url: string) {
    this.#server = server
    this.#url = url
  }

  static async open(bed: Bed): Promise<DebianMirror> {
    const server = createServer((asked, answer) => {
      const url = URL.parse(asked.url ?? '')
      if (!url || !MIRRORS.has(url.hostname)) return answer.writeHead(403).end()
      const headers = { ...asked.headers, host: url.host }
      const further = request(url, { method: asked.method, headers }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      })
      further.on('error', (error) => answer.writeHead(502).end(error.message))
      asked.pipe(further)
    }).listen(0, bed.address)
    await once(server, 'listening')
    return new DebianMirror(server, `http://${bed.address}:${(server.address() as AddressInfo).port}`)
  }

  /** Has apt of a host ask here, for what a test needs and no more: no translations, and no disk that has to keep it over a loss of power. */
  async tell(host: Host): Promise<void> {
    const settings = [
      `Acquire::http::Proxy "${this.#url}";`,
      'Acquire::Languages "none";',
      'Dpkg::Options:: "--force-unsafe-io";',
    ]
    const input = `${settings.join('\n')}\n`
    await host.output(['sh', '-c', 'cat > "$1"', 'sh', APT_CONF], { input })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}
