import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RollcallError } from '@rollcall/contracts'
import pg from 'pg'
import type { Logger } from 'pino'
import { isAlive } from '../processes/is-alive.ts'
import { type Account, databaseAccount } from './database-account.ts'
import { layBinaries } from './embedded-binaries.ts'

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 30_000
const CHECK_INTERVAL_MS = 1_000

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  // The operator's log is the server's; PostgreSQL's own goes to a file of bounded size.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_size: '10MB',
}

/**
 * A PostgreSQL of the server's own, reachable only through a unix socket in its private folder.
 *
 * It outlives a server that was killed; the next one finds and uses it. While the server lives, a PostgreSQL that died
 * is started again.
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

  /** Starts or finds the database; returns how to connect. Throws `server.database_unavailable` with what PostgreSQL said. */
  async start(): Promise<pg.PoolConfig> {
    await mkdir(this.folder, { recursive: true, mode: 0o711 })
    this.account = await databaseAccount(this.log)
    if (this.account) await checkPassable(this.folder)
    this.bin = await layBinaries(join(this.folder, 'bin'))
    this.password = await this.readOrMakePassword()
    if (!(await this.hasCluster())) await this.initialize()
    await this.ensureRunning()
    this.watcher = this.watch()
    return this.connection
  }

  /** Stops the database, whether this process or a killed predecessor started it. Clients are disconnected, nothing is lost. */
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
          `the embedded PostgreSQL (process ${pid}) did not stop in ${STOP_TIMEOUT_MS / 1000} s`,
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

  private async readOrMakePassword(): Promise<string> {
    const file = join(this.folder, 'password')
    try {
      return (await readFile(file, 'utf8')).trim()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const password = randomBytes(24).toString('base64url')
    await writeFile(file, `${password}\n`, { mode: 0o600, flag: 'wx' })
    return password
  }

  private async hasCluster(): Promise<boolean> {
    return readFile(join(this.dataFolder, 'initialized')).then(
      () => true,
      () => false,
    )
  }

  private async initialize(): Promise<void> {
    this.log.info('preparing the embedded PostgreSQL')
    await rm(this.dataFolder, { recursive: true, force: true })
    for (const folder of [this.dataFolder, this.socketFolder]) await this.makeOwnFolder(folder)
    const passwordFile = join(this.dataFolder, '..', 'password.initdb')
    await writeFile(passwordFile, `${this.password}\n`, { mode: 0o600 })
    await this.giveToAccount(passwordFile)
    try {
      await this.runToEnd('initdb', [
        '--pgdata',
        this.dataFolder,
        '--username',
        'rollcall',
        '--auth',
        'scram-sha-256',
        '--pwfile',
        passwordFile,
        '--encoding',
        'UTF8',
        '--locale',
        'C.UTF-8',
        '--data-checksums',
      ]) // prettier-ignore
    } finally {
      await rm(passwordFile, { force: true })
    }
    await writeFile(join(this.dataFolder, 'initialized'), '', { mode: 0o600 })
    await this.giveToAccount(join(this.dataFolder, 'initialized'))
  }

  private async makeOwnFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await chmod(path, 0o700)
    await this.giveToAccount(path)
  }

  private async giveToAccount(path: string): Promise<void> {
    if (this.account) await chown(path, this.account.uid, this.account.gid)
  }

  private runToEnd(program: string, args: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(join(this.bin, program), args, {
        ...this.account,
        env: { LC_ALL: 'C.UTF-8' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data: Buffer) => {
          said = (said + data).slice(-4000)
        })
      child.on('error', reject)
      child.on('close', (code) =>
        code === 0 ? resolve() : reject(unavailable(`${program} ended with ${code}: ${said.trim()}`)),
      )
    })
  }

  /** A start can fail for a moment after the one before was killed: its last processes still hold the shared memory. */
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
          `the embedded PostgreSQL did not answer in ${START_TIMEOUT_MS / 1000} s; its log is in ${join(this.dataFolder, 'log')}`,
          lastError,
        )
      const isStarting = child && child.exitCode === null && child.signalCode === null
      if (!isStarting && (await this.runningPid()) === undefined) child = await this.spawnPostgres()
    }
  }

  private async probe(): Promise<void> {
    const client = new pg.Client({ ...this.connection, connectionTimeoutMillis: 2000 })
    // A connection that is dropped while it is made also emits an event, after the promise has told the same.
    client.on('error', (error) =>
      this.log.debug({ err: error }, 'the probe of the embedded PostgreSQL was dropped'),
    )
    await client.connect()
    await client.end()
  }

  private async spawnPostgres(): Promise<ChildProcess> {
    await this.makeOwnFolder(this.socketFolder)
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(
      join(this.bin, 'postgres'),
      ['-D', this.dataFolder, '-k', this.socketFolder, ...settings],
      {
        ...this.account,
        env: { LC_ALL: 'C.UTF-8' },
        cwd: this.dataFolder,
        stdio: 'ignore',
        // A group of its own: Ctrl-C in the terminal reaches the server, which then stops the database in order.
        detached: true,
      },
    )
    child.on('error', (error) =>
      this.log.error({ err: error }, 'the embedded PostgreSQL could not be started'),
    )
    child.unref()
    return child
  }

  /** The process that holds the data folder, if there is a living one. */
  private async runningPid(): Promise<number | undefined> {
    const file = await readFile(join(this.dataFolder, 'postmaster.pid'), 'utf8').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw error
      },
    )
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
        this.log.warn('the embedded PostgreSQL has died; starting it again')
        await this.ensureRunning()
      } catch (error) {
        this.log.error({ err: error }, 'the embedded PostgreSQL could not be started again; trying on')
      }
    }
  }
}

/** Another account has to come to the folder: every folder above must let others pass. */
async function checkPassable(folder: string): Promise<void> {
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const { mode } = await stat(path)
    if ((mode & 0o001) === 0)
      throw new RollcallError(
        'server.config_invalid',
        `The embedded PostgreSQL runs under an account of its own, which cannot pass through ${path} (mode ${(mode & 0o777).toString(8)}). Run "chmod o+x ${path}", or choose another folder with ROLLCALL_DATA_DIR.`,
      )
  }
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error
}

const unavailable = (message: string, cause?: unknown) =>
  new RollcallError('server.database_unavailable', message, { cause })
