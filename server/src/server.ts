import 'reflect-metadata'
import type { Server } from 'node:http'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { RETRY_POLICIES, RollcallError } from '@rollcall/contracts'
import pRetry from 'p-retry'
import { ApiKeysService, OneTimeLinks, UsersRepository } from './access/index.ts'
import { AppModule } from './app.module.ts'
import { CommandWorker } from './commands/index.ts'
import { LiveGateway } from './live/index.ts'
import { openPlatform } from './open-platform.ts'
import { BackgroundTasks } from './platform/background/background-tasks.ts'
import { pRetryOptions } from './platform/clock/p-retry-options.ts'
import type { Config } from './platform/config/config.ts'
import { ServerLease } from './platform/leases/server-lease.reconciler.ts'
import type { Logger } from './platform/log.ts'
import { isDatabaseAway } from './platform/prisma/database-errors.ts'
import { prepareHttp } from './web/index.ts'

export interface RunningServer {
  url: string
  /** Where the first admin signs up; null when there is a user already. */
  setupLink: string | null
  stop(): Promise<void>
}

/** Starts everything; on failure everything that was started is stopped again. */
export async function startServer(config: Config): Promise<RunningServer> {
  const platform = await openPlatform(config)
  const { log, dataDir } = platform
  surviveDatabaseLoss(log)
  const started = new AsyncDisposableStack()
  started.defer(() => platform.close())
  try {
    const app = await NestFactory.create<NestExpressApplication>(AppModule.of(platform), {
      logger: ['error', 'warn'],
      bodyParser: false,
      // What fails is thrown to here, where all that was started is stopped again.
      abortOnError: false,
    })
    prepareHttp(app, config)
    const background = app.get(BackgroundTasks)
    const gateway = app.get(LiveGateway)
    started.defer(() => app.close())
    started.defer(() => background.stop())
    started.defer(() => gateway.close())
    await app.init()
    await app.get(ApiKeysService).ensureLocalKey()
    await app.get(ServerLease).acquire()
    await app.get(CommandWorker).start()
    // Listening comes last: who is answered may rely on it that all the rest runs, and goes on when the database dies now.
    const http = app.getHttpServer() as Server
    gateway.attach(http)
    const url = await listen(http, config.listen, (text) => log.warn(text))
    background.start()
    await dataDir.publishAddress({ url, pid: process.pid })
    const setupLink = await pRetry(
      async () =>
        (await app.get(UsersRepository).isEmpty()) ? app.get(OneTimeLinks).makeSetupLink(url) : null,
      { ...pRetryOptions(RETRY_POLICIES.database), shouldRetry: ({ error }) => isDatabaseAway(error) },
    )
    return { url, setupLink, stop: () => started.disposeAsync() }
  } catch (error) {
    await started.disposeAsync()
    if (!isDatabaseAway(error)) throw error
    throw new RollcallError(
      'server.database_unavailable',
      `The database went away while the server was starting: ${(error as Error).message}. Start it again.`,
      { cause: error },
    )
  }
}

/**
 * A connection that breaks inside a library between two of its own listeners surfaces here. That the database is away
 * is no reason to drop every command that is being followed; anything else is a defect, and ends the process.
 */
function surviveDatabaseLoss(log: Logger): void {
  const judge = (error: unknown) => {
    if (isDatabaseAway(error))
      return log.warn({ err: error }, 'a database connection broke where nobody listened')
    log.fatal({ err: error }, 'the server ends because of an error that nobody handled')
    process.exit(1)
  }
  process.on('uncaughtException', judge).on('unhandledRejection', judge)
}

/** Listens where the operator said, or else at the usual port or, when that is taken, at any free one. */
async function listen(http: Server, at: Config['listen'], warn: (text: string) => void): Promise<string> {
  const attempt = (port: number) =>
    new Promise<void>((resolve, reject) => {
      http.once('error', reject)
      http.listen(port, at.host, () => {
        http.off('error', reject)
        resolve()
      })
    })
  try {
    await attempt(at.port)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    if (!at.isDefault)
      throw new RollcallError(
        'server.config_invalid',
        `Port ${at.port} on ${at.host} is taken by another program. Stop that, or choose another with ROLLCALL_LISTEN.`,
        { cause },
      )
    warn(`port ${at.port} is taken by another program; using a free one`)
    await attempt(0)
  }
  const address = http.address()
  const port = typeof address === 'object' && address ? address.port : at.port
  return `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${port}`
}
