import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import pino from 'pino'
import { ApiKeysService } from '../access/index.ts'
import { AppModule } from '../app.module.ts'
import { LiveGateway } from '../live/index.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { makeIdentity } from '../platform/crypto/certificates.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import type { Platform } from '../platform/platform.module.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'

/** A server for specs that enter by HTTP and `/ws`: all of it on a real database, but that it calls no agent. */
export class TestServer implements AsyncDisposable {
  private constructor(
    readonly app: NestExpressApplication,
    readonly test: TestDatabase,
    readonly url: string,
    /** The server's own key, which may do everything. */
    readonly localKey: string,
    private readonly folder: string,
  ) {}

  static async open(): Promise<TestServer> {
    const test = await TestDatabase.open()
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-server-'))
    const dataDir = await DataDir.open(join(folder, 'data'))
    const queue = { isUp: async () => true, enqueue: async () => undefined, add: async () => undefined }
    const platform = {
      ...{ version: '0.0.0', config: { allowedOrigins: [], outputDays: 30 }, log: pino({ level: 'silent' }) },
      ...{ database: test.database, sealer: new Sealer(Buffer.alloc(32, 1)), queue, dataDir, artifacts: {} },
      identity: makeIdentity('rollcall-server', new Date()),
    }
    const app = await NestFactory.create<NestExpressApplication>(
      AppModule.of(platform as unknown as Platform),
      { logger: false },
    )
    await app.listen(0, '127.0.0.1')
    app.get(LiveGateway).attach(app.getHttpServer() as Server)
    await app.get(ApiKeysService).ensureLocalKey()
    const localKey = (await readFile(dataDir.file('api-key'), 'utf8')).trim()
    return new TestServer(app, test, await app.getUrl(), localKey, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.app.get(LiveGateway).close()
    await this.app.close()
    await this.test.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
