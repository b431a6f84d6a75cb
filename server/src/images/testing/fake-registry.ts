import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestBlob } from './image-archives.ts'

const USER = `Basic ${Buffer.from('ada:right').toString('base64')}`
const TOKEN = 'Bearer a-token'

/** A registry for specs. It wants nothing, a password, or a token that it gives for the password. */
export class FakeRegistry implements AsyncDisposable {
  readonly requests: string[] = []
  readonly tags = new Map<string, TestBlob>()
  readonly blobs = new Map<string, TestBlob>()
  auth: 'none' | 'basic' | 'bearer' = 'none'
  /** Answers a request in another way; true if it did. */
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false
  private readonly server: Server

  private constructor() {
    this.server = createServer((request, response) => this.answer(request, response))
  }

  static async open(): Promise<FakeRegistry> {
    const registry = new FakeRegistry()
    await new Promise<void>((resolve) => registry.server.listen(0, '127.0.0.1', resolve))
    return registry
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Puts an image there, `top` under a tag. */
  push(tag: string, top: TestBlob, blobs: readonly TestBlob[]): void {
    this.tags.set(tag, top)
    for (const blob of [top, ...blobs]) this.blobs.set(blob.digest, blob)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    this.requests.push(path)
    if (this.before(request, response)) return
    const given = request.headers.authorization
    if (path.startsWith('/token'))
      return void (given === USER
        ? response.end(JSON.stringify({ token: 'a-token' }))
        : response.writeHead(401).end())
    const isLetIn = this.auth === 'none' || given === (this.auth === 'basic' ? USER : TOKEN)
    if (!isLetIn) {
      const bearer = `Bearer realm="http://${this.host}/token",service="fake"`
      return void response
        .writeHead(401, { 'www-authenticate': this.auth === 'basic' ? 'Basic realm="x"' : bearer })
        .end()
    }
    const [, kind, reference = ''] = /^\/v2\/.+\/(manifests|blobs)\/(.+)$/.exec(path) ?? []
    const found = (kind === 'manifests' ? this.tags.get(reference) : undefined) ?? this.blobs.get(reference)
    if (!found) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': found.mediaType, 'docker-content-digest': found.digest })
    response.end(found.data)
  }
}
