import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SERVER_ENV, SERVER_FLAGS } from '../../scripts/server-runtime.mjs'
import { Api } from './api.ts'
import { copyPreparedDatabase, renewFleetId } from './embedded-database.ts'
import { shared } from './shared.ts'

const MAIN = fileURLToPath(new URL('../../server/dist/main.js', import.meta.url))
const CLI = fileURLToPath(new URL('../../cli/bin/rollcall.cjs', import.meta.url))
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 60_000
const LOG_LINES_KEPT = 2000
const LINES_TOLD = 30

export interface ServerOptions {
  /** An outside PostgreSQL and Redis; without them the server uses its embedded defaults. */
  databaseUrl?: string
  redisUrl?: string
  /** Has the server make its database itself, as the first one of an installation does. */
  isFirstStart?: boolean
  env?: NodeJS.ProcessEnv
  /** Where it listens; 127.0.0.1 when it is left out. */
  address?: string
  /** A command in front of the program, such as one that enters a network namespace. It becomes the program. */
  launcher?: readonly string[]
}

/** A real server process on a data folder and port of its own, which can be killed and started again. */
export class ServerProcess implements AsyncDisposable {
  readonly lines: string[] = []
  #child: ChildProcess | undefined

  readonly dataDir: string
  readonly port: number
  readonly options: ServerOptions

  private constructor(dataDir: string, port: number, options: ServerOptions) {
    this.dataDir = dataDir
    this.port = port
    this.options = options
  }

  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-server-'))
    // As root the embedded database runs under an account of its own, which has to pass.
    await chmod(dataDir, 0o711)
    const isOwnDatabase = options.databaseUrl !== undefined || options.isFirstStart
    const server = new ServerProcess(dataDir, await freePort(), options)
    try {
      const isCopy = !isOwnDatabase && (await copyPreparedDatabase(dataDir))
      await server.start()
      if (isCopy) await renewFleetId(dataDir)
    } catch (error) {
      // A server that is late would outlive the test that has given it up.
      await server.end('SIGTERM').catch(() => server.end('SIGKILL'))
      await server.removeData()
      throw error
    }
    return server
  }

  get url(): string {
    return `http://${this.#listen}`
  }

  get #listen(): string {
    return `${this.options.address ?? '127.0.0.1'}:${this.port}`
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the server does not run')
    return this.#child.pid
  }

  /** Runs the command line against this server, as a person does. Returns its exit code and outputs, whatever they are. */
  cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { ...process.env, ...this.cliEnv }
    return new Promise((resolve) =>
      execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      ),
    )
  }

  /** Environment by which the command line finds this server. */
  get cliEnv() {
    return { ROLLCALL_DATA_DIR: this.dataDir }
  }

  async api(): Promise<Api> {
    return Api.withKey(this.url, (await readFile(join(this.dataDir, 'api-key'), 'utf8')).trim())
  }

  /** Resolves when the server listens; throws with what it said when it does not. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const [program, ...args] = [...(this.options.launcher ?? []), process.execPath, ...SERVER_FLAGS, MAIN]
    const child = spawn(program as string, args, {
      env: {
        ...process.env,
        ...SERVER_ENV,
        // The first server to end leaves its code for the others, compiled.
        ...(shared && { NODE_COMPILE_CACHE: join(shared, 'server-code') }),
        ROLLCALL_DATA_DIR: this.dataDir,
        ROLLCALL_LISTEN: this.#listen,
        DATABASE_URL: this.options.databaseUrl ?? '',
        REDIS_URL: this.options.redisUrl ?? '',
        // Hosts of some stories are on this very machine, or on a link of it.
        ROLLCALL_ALLOWED_ADDRESSES: '127.0.0.0/8,::1,fe80::/10',
        ...this.options.env,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => this.#keep(text))
    child.once('exit', (code, signal) => this.#keep(`the server process ended with ${signal ?? code}`))
    const deadline = Date.now() + START_TIMEOUT_MS
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the server ended while starting:\n${this.lines.join('\n')}`)
      const isUp = await fetch(`${this.url}/health`).then(
        (response) => response.ok,
        () => false,
      )
      if (isUp) return
      if (Date.now() > deadline)
        throw new Error(`the server did not listen in time:\n${this.lines.join('\n')}`)
      await delay(50)
    }
  }

  /** Another server process on the same folder, at another port. */
  async startSecond(): Promise<void> {
    const second = new ServerProcess(this.dataDir, await freePort(), this.options)
    await second.start()
  }

  /** Ends the process by `signal` and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) })
    child.kill(signal)
    await ended
  }

  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.end(signal)
    await this.start()
  }

  /** The embedded PostgreSQL's main process. */
  async postgresPid(): Promise<number> {
    const [pid] = (await readFile(join(this.dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')
    return Number(pid)
  }

  /** Stops in order and removes everything, the embedded database of a killed server included. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode !== null || this.#child?.signalCode !== null)
      await this.start().catch((error) => this.#keep(String(error)))
    try {
      await this.end('SIGTERM')
      if (this.#child?.exitCode !== 0)
        console.error(`the server did not stop in order:\n${this.lines.slice(-LINES_TOLD).join('\n')}`)
    } finally {
      await this.removeData()
    }
  }

  /** Removes its data. A database whose server ended out of order may still be writing its last files. */
  private removeData(): Promise<void> {
    return rm(this.dataDir, { recursive: true, force: true, maxRetries: 10 })
  }

  #keep(text: string): void {
    this.lines.push(...text.split('\n').filter(Boolean))
    this.lines.splice(0, Math.max(0, this.lines.length - LOG_LINES_KEPT))
  }
}

/** A port that was free a moment ago and stays the same over restarts. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
