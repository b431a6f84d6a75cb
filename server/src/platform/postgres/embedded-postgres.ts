import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RollcallError } from '@rollcall/contracts'
import pg from 'pg'
import type { Logger } from 'pino'
import { ignoreAbort } from '../clock/ignore-abort.ts'
import { ifMissing } from '../files/if-missing.ts'
import { isAlive } from '../processes/is-alive.ts'
import { runBounded } from '../processes/run-bounded.ts'
import { type Account, databaseAccount } from './database-account.ts'
import { installBinaries } from './embedded-binaries.ts'

const INIT_TIMEOUT_MS = 300_000
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 30_000
const CHECK_INTERVAL_MS = 1_000

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  // PostgreSQL's log goes to files of bounded size, separate from the server's log.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_size: '10MB',
}

/**
 * Runs the server's own PostgreSQL, reachable only through a unix socket in its private folder. It survives a killed
 * server, whose successor reuses it, and is restarted if it dies.
 */
export class EmbeddedPostgres {
  private bin = ''
  private account: Account | undefined
  private password = ''
  private stopping = false
  private watcher: Promise<void> | undefined
  private readonly stopped = new AbortController()

  constructor(
    private readonly folder: string,
    private readonly log: Logger,
  ) {}

  /**
   * Starts or finds the database and returns its connection. Throws `server.database_unavailable` with PostgreSQL's
   * message.
   */
  async start(): Promise<pg.PoolConfig> {
    await mkdir(this.folder, { recursive: true, mode: 0o711 })
    this.account = await databaseAccount(this.log)
    if (this.account) await checkTraversable(this.folder)
    this.bin = await installBinaries(join(this.folder, 'bin'))
    this.password = await this.readOrCreatePassword()
    if (!existsSync(join(this.dataFolder, 'initialized'))) await this.initialize()
    await this.ensureRunning()
    this.watcher = this.watch()
    return this.connection
  }

  /** Stops the database with a fast shutdown, even if a predecessor started it. */
  async stop(): Promise<void> {
    this.stopping = true
    this.stopped.abort()
    await this.watcher
    const pid = await this.runningPid()
    if (pid === undefined) return
    process.kill(pid, 'SIGINT') // PostgreSQL's fast shutdown
    const deadline = Date.now() + STOP_TIMEOUT_MS
    while (isAlive(pid)) {
      if (Date.now() > deadline)
        throw unavailable(
          `the embedded PostgreSQL (process ${pid}) did not stop within ${STOP_TIMEOUT_MS / 1000} s`,
        )
      await delay(50)
    }
  }

  private get connection(): pg.PoolConfig {
    return { host: this.socketFolder, user: 'rollcall', password: this.password, database: 'postgres' }
  }

  private get dataFolder() {
    return join(this.folder, 'data')
  }

  private get socketFolder() {
    return join(this.folder, 'socket')
  }

  private async readOrCreatePassword(): Promise<string> {
    const file = join(this.folder, 'password')
    const known = await readFile(file, 'utf8').catch(ifMissing(null))
    if (known !== null) return known.trim()
    const password = randomBytes(24).toString('base64url')
    await writeFile(file, `${password}\n`, { mode: 0o600, flag: 'wx' })
    return password
  }

  private async initialize(): Promise<void> {
    this.log.info('preparing the embedded PostgreSQL')
    await rm(this.dataFolder, { recursive: true, force: true })
    for (const folder of [this.dataFolder, this.socketFolder]) await this.createOwnFolder(folder)
    const passwordFile = join(this.dataFolder, '..', 'password.initdb')
    await writeFile(passwordFile, `${this.password}\n`, { mode: 0o600 })
    await this.changeOwner(passwordFile)
    try {
      const { exitCode, stderr, endedBy } = await runBounded({
        argv: [
          join(this.bin, 'initdb'),
          `--pgdata=${this.dataFolder}`,
          '--username=rollcall',
          '--auth=scram-sha-256',
          `--pwfile=${passwordFile}`,
          '--encoding=UTF8',
          '--locale=C.UTF-8',
          '--data-checksums',
        ],
        env: { LC_ALL: 'C.UTF-8' },
        cwd: this.folder,
        timeoutMs: INIT_TIMEOUT_MS,
        maxStdoutBytes: 1024 * 1024,
        account: this.account,
      })
      if (endedBy) throw unavailable(`initdb was killed at its limit of ${endedBy}: ${stderr.trim()}`)
      if (exitCode !== 0) throw unavailable(`initdb ended with ${exitCode}: ${stderr.trim()}`)
    } finally {
      await rm(passwordFile, { force: true })
    }
    await writeFile(join(this.dataFolder, 'initialized'), '', { mode: 0o600 })
    await this.changeOwner(join(this.dataFolder, 'initialized'))
  }

  private async createOwnFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await chmod(path, 0o700)
    await this.changeOwner(path)
  }

  private async changeOwner(path: string): Promise<void> {
    if (this.account) await chown(path, this.account.uid, this.account.gid)
  }

  /** Retries the start, because the last processes of a killed predecessor may still hold the shared memory. */
  private async ensureRunning(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    let child: ChildProcess | undefined
    for (let lastError: unknown; ; await delay(50)) {
      try {
        return await this.probe()
      } catch (error) {
        lastError = error
      }
      if (Date.now() > deadline)
        throw unavailable(
          `the embedded PostgreSQL did not respond within ${START_TIMEOUT_MS / 1000} s; its log is in ${join(this.dataFolder, 'log')}`,
          lastError,
        )
      const isStarting = child && child.exitCode === null && child.signalCode === null
      if (!isStarting && (await this.runningPid()) === undefined) child = await this.spawnPostgres()
    }
  }

  private async probe(): Promise<void> {
    const client = new pg.Client({ ...this.connection, connectionTimeoutMillis: 2000 })
    // A connection dropped while connecting also emits an event, after the promise has rejected.
    client.on('error', (error) =>
      this.log.debug({ err: error }, 'lost the probe connection to the embedded PostgreSQL'),
    )
    await client.connect()
    await client.end()
  }

  private async spawnPostgres(): Promise<ChildProcess> {
    await this.createOwnFolder(this.socketFolder)
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(
      join(this.bin, 'postgres'),
      ['-D', this.dataFolder, '-k', this.socketFolder, ...settings],
      {
        ...this.account,
        env: { LC_ALL: 'C.UTF-8' },
        cwd: this.dataFolder,
        stdio: 'ignore',
        // A separate process group: Ctrl-C reaches only the server, which then stops the database.
        detached: true,
      },
    )
    child.on('error', (error) => this.log.error({ err: error }, 'failed to start the embedded PostgreSQL'))
    child.unref()
    return child
  }

  /** Returns the pid of the live process that owns the data folder, if any. */
  private async runningPid(): Promise<number | undefined> {
    const file = await readFile(join(this.dataFolder, 'postmaster.pid'), 'utf8').catch(ifMissing(''))
    const [pid, folder] = file.split('\n')
    const running = Number(pid)
    return running > 0 && folder === this.dataFolder && isAlive(running, 'postgres') ? running : undefined
  }

  private async watch(): Promise<void> {
    while (!this.stopping) {
      await delay(CHECK_INTERVAL_MS, undefined, { signal: this.stopped.signal }).catch(ignoreAbort)
      if (this.stopping) return
      try {
        if ((await this.runningPid()) !== undefined) continue
        this.log.warn('the embedded PostgreSQL has died; restarting it')
        await this.ensureRunning()
      } catch (error) {
        this.log.error({ err: error }, 'failed to restart the embedded PostgreSQL; retrying')
      }
    }
  }
}

/** Checks that another account can traverse all parent folders. */
async function checkTraversable(folder: string): Promise<void> {
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const { mode } = await stat(path)
    if ((mode & 0o001) === 0)
      throw new RollcallError(
        'server.config_invalid',
        `The embedded PostgreSQL runs under its own account, which cannot access ${path} (mode ${(mode & 0o777).toString(8)}). Run "chmod o+x ${path}", or choose another folder with ROLLCALL_DATA_DIR.`,
      )
  }
}

const unavailable = (message: string, cause?: unknown) =>
  new RollcallError('server.database_unavailable', message, { cause })
