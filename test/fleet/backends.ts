import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const POSTGRES = '/usr/lib/postgresql/15/bin'
/** Debian's redis-server is a link to this program, which has no service that would be started by its installation. */
const REDIS = '/usr/bin/redis-check-rdb'
const READY_TIMEOUT_MS = 30_000

/** Debian's own PostgreSQL 15 and Redis, each on a unix socket in a folder of its own. */
export class Backends implements AsyncDisposable {
  #postgres: ChildProcess | undefined
  #redis: ChildProcess | undefined

  private readonly folder: string
  private readonly account: { uid: number; gid: number }

  private constructor(folder: string, account: { uid: number; gid: number }) {
    this.folder = folder
    this.account = account
  }

  static async start(): Promise<Backends> {
    await installBackends()
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-backends-'))
    const backends = new Backends(folder, await postgresAccount())
    await chmod(folder, 0o755)
    for (const name of ['data', 'socket']) {
      await mkdir(join(folder, name), { mode: 0o700 })
      await chown(join(folder, name), backends.account.uid, backends.account.gid)
    }
    await run(
      join(POSTGRES, 'initdb'),
      ['-D', join(folder, 'data'), '-U', 'rollcall', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'],
      backends.account,
    )
    await backends.startPostgres()
    await backends.startRedis()
    return backends
  }

  get databaseUrl(): string {
    return `postgresql://rollcall@/postgres?host=${encodeURIComponent(join(this.folder, 'socket'))}`
  }

  get redisUrl(): string {
    return join(this.folder, 'redis.sock')
  }

  async startPostgres(): Promise<void> {
    const settings = ['-c', 'listen_addresses=', '-k', join(this.folder, 'socket')]
    await until('PostgreSQL', async () => {
      // It ends at once as long as a process of a killed one has the memory that they share.
      if (!isRunning(this.#postgres))
        this.#postgres = spawn(join(POSTGRES, 'postgres'), ['-D', join(this.folder, 'data'), ...settings], {
          ...this.account,
          stdio: 'ignore',
        })
      const client = new pg.Client({ connectionString: this.databaseUrl })
      client.on('error', () => undefined) // told by connect's rejection
      await client.connect()
      await client.end()
    })
  }

  /** As the server needs it: nothing is evicted, and what was acknowledged survives a crash. */
  async startRedis(): Promise<void> {
    const args = [
      '--port',
      '0',
      '--unixsocket',
      this.redisUrl,
      '--dir',
      this.folder,
      '--appendonly',
      'yes',
      '--maxmemory-policy',
      'noeviction',
    ]
    this.#redis = spawn(REDIS, args, { argv0: 'redis-server', stdio: 'ignore' })
    await until('Redis', async () => {
      const socket = createConnection(this.redisUrl)
      await once(socket, 'connect')
      socket.destroy()
    })
  }

  async killPostgres(): Promise<void> {
    await kill(this.#postgres, 'SIGKILL')
  }

  async killRedis(): Promise<void> {
    await kill(this.#redis, 'SIGKILL')
  }

  /** As if Redis had lost its disk. */
  async wipeRedis(): Promise<void> {
    await this.killRedis()
    await rm(join(this.folder, 'appendonlydir'), { recursive: true, force: true })
    await rm(join(this.folder, 'dump.rdb'), { force: true })
    await this.startRedis()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kill(this.#redis, 'SIGKILL')
    await kill(this.#postgres, 'SIGQUIT')
    await rm(this.folder, { recursive: true, force: true })
  }
}

const isRunning = (child: ChildProcess | undefined): child is ChildProcess =>
  child !== undefined && child.exitCode === null && child.signalCode === null

async function kill(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function until(what: string, probe: () => Promise<void>): Promise<void> {
  for (const deadline = Date.now() + READY_TIMEOUT_MS; ; await delay(50)) {
    try {
      return await probe()
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`${what} did not answer in ${READY_TIMEOUT_MS} ms`, { cause: error })
    }
  }
}

async function postgresAccount(): Promise<{ uid: number; gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (!uid || !gid) throw new Error('the account postgres is missing, though postgresql-15 is installed')
  return { uid: Number(uid), gid: Number(gid) }
}

/** Installs Debian's packages where they are missing; needs root. Programs only: their services are not started. */
export async function installBackends(log: (line: string) => void = console.log): Promise<void> {
  const missing = [
    ...(existsSync(join(POSTGRES, 'postgres')) ? [] : ['postgresql-15']),
    ...(existsSync(REDIS) ? [] : ['redis-tools']),
  ]
  if (missing.length === 0) return
  log(`installing ${missing.join(' and ')} with apt-get, for tests against a real PostgreSQL and Redis`)
  // RUNLEVEL=1 tells Debian's maintainer scripts to start no service.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await run('apt-get', ['update', '-qq'], { env })
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    env,
    maxBuffer: 64 * 1024 * 1024,
  })
}
