import 'reflect-metadata'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import type { Role } from '@rollcall/contracts/admin'
import pino from 'pino'
import { ApiKeysService } from '../access/index.ts'
import { AppModule } from '../app.module.ts'
import { LiveGateway } from '../live/index.ts'
import { BackgroundTasks } from '../platform/background/background-tasks.ts'
import type { Config } from '../platform/config/config.ts'
import type { DataDir } from '../platform/config/data-dir.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { prepareHttp } from '../web/index.ts'
import { testPlatform } from './test-platform.ts'

/** Background tasks that would call agents, of which there are none, or wait for what these say. */
const CALLS_AGENTS = new Set([
  'agent-shares',
  'commands',
  'heartbeats',
  'instance-reports',
  'instances',
  'reinstalls',
  'rotations',
  'service-changes',
  'service-spares',
  'upgrades',
])

export const PASSWORD = 'correct horse battery'

export interface TestRequest {
  method?: string
  body?: unknown
  key?: string | undefined
  cookie?: string | undefined
  headers?: Record<string, string>
}

/** A server for specs over HTTP and `/ws`: everything runs on a real database, but no agent is called. */
export class TestServer implements AsyncDisposable {
  private constructor(
    readonly app: NestExpressApplication,
    readonly test: TestDatabase,
    readonly config: Config,
    readonly url: string,
    /** The key of the server's own command line, with all rights. */
    readonly localKey: string,
    private readonly folder: string,
    private readonly log: string[],
    private readonly dataDir: DataDir,
  ) {}

  /** Starts a server. `isQueueUp` is the reported state of its queue. */
  static async open(options: { isQueueUp?: boolean } = {}): Promise<TestServer> {
    const test = await TestDatabase.open()
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-server-'))
    const lines: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    const platform = await testPlatform(test, folder, log, options)
    const { config, dataDir } = platform
    const module = AppModule.of(platform)
    const app = await NestFactory.create<NestExpressApplication>(module, {
      logger: false,
      bodyParser: false,
    })
    prepareHttp(app, config)
    await app.listen(0, '127.0.0.1')
    app.get(LiveGateway).attach(app.getHttpServer() as Server)
    app.get(BackgroundTasks).start((name) => !CALLS_AGENTS.has(name))
    await app.get(ApiKeysService).ensureLocalKey()
    const localKey = (await readFile(dataDir.file('api-key'), 'utf8')).trim()
    return new TestServer(app, test, config, await app.getUrl(), localKey, folder, lines, dataDir)
  }

  /** Returns the lines of the server's log. */
  logLines(): Record<string, unknown>[] {
    return this.log.map((line) => JSON.parse(line))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.app.get(LiveGateway).close()
    await this.app.close()
    await this.test.close()
    await this.dataDir.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  async ask(path: string, { method = 'GET', body, key, cookie, headers }: TestRequest = {}) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key && { authorization: `Bearer ${key}` }),
        ...(cookie && { cookie, origin: this.url }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('application/json')
    const json = isJson ? JSON.parse(text) : undefined
    const cookies = response.headers.getSetCookie()
    return {
      status: response.status,
      json,
      code: json?.error?.code as string | undefined,
      set: cookies,
      /** The last cookie, as a browser returns it. */
      cookie: cookies.at(-1)?.split(';')[0] ?? '',
    }
  }

  /** Creates a user with a password and signs in; `token` is from the invitation. */
  async person(email: string, role: Role, scope: string[] | null = null) {
    const added = await this.ask('/api/users', {
      method: 'POST',
      key: this.localKey,
      body: { email, name: email, role, scope },
    })
    const token = added.json.link.split('#')[1] as string
    const accepted = await this.ask('/api/invites', { method: 'POST', body: { token, password: PASSWORD } })
    if (accepted.status !== 200) throw new Error(`the invitation was refused: ${accepted.code}`)
    const { id, version } = added.json.user as { id: string; version: number }
    return { id, version, token, cookie: accepted.cookie }
  }

  async key(name: string, permissions: string[], scope: string[] | null = null): Promise<string> {
    const body = { name, permissions, scope }
    return (await this.ask('/api/keys', { method: 'POST', key: this.localKey, body })).json.secret
  }
}
