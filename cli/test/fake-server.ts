import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type HostView, type NewRun, SAMPLE_BYTES } from '@rollcall/contracts/admin'
import { type ApiRequest, answerByContract, type Handlers } from './contract-server.ts'
import { FakeBook } from './fake-book.ts'
import { FakeCommand } from './fake-command.ts'
import { FakeFleet } from './fake-fleet.ts'
import { FINGERPRINT, fakeHost } from './fake-host.ts'
import { FakeLive } from './fake-live.ts'
import { FakeRun, fits } from './fake-run.ts'
import { FakeSecrets } from './fake-secrets.ts'

export const SERVER_PIN = `sha256/${'S'.repeat(43)}=`

export const API_KEY = 'rck_the-only-key-that-works'

interface SeenRequest extends Pick<ApiRequest, 'name'> {
  params: Record<string, string>
  query: Record<string, unknown>
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they know to be there
  body: any
}

/** Speaks the whole contract, holds both sides to it, and fails the way the test says. */
export class FakeServer {
  readonly requests: SeenRequest[] = []
  readonly hosts = new Map<string, HostView>()
  readonly commands: FakeCommand[] = []
  readonly runs: FakeRun[] = []
  readonly book = new FakeBook()
  readonly secrets = new FakeSecrets()
  readonly fleet = new FakeFleet(this.hosts)
  /** The host that every host is reported to be the same machine as. */
  sameMachineAs: { name: string | null } | null = null
  readonly live = new FakeLive(
    (id) => this.commands.find(({ view }) => view.id === id),
    (id) => this.runs.find((run) => run.id === id),
    () => this.fleet.agents(),
  )
  /** The handlers of all routes. A test replaces those that it is about. */
  readonly handlers: Handlers = {
    ...this.ownHandlers(),
    ...this.book.handlers,
    ...this.fleet.handlers,
    ...this.secrets.handlers,
  }
  /** The content that was handed over last. */
  content: Buffer = Buffer.alloc(0)
  /** Called with every new command, before it is answered. */
  onCommand: (command: FakeCommand) => void = () => undefined
  /** Called before a request is carried out; may throw a `RollcallError`. `lose` carries it out and drops the answer. */
  onRequest: (request: SeenRequest) => 'answer' | 'lose' = () => 'answer'
  isReady = true
  /** The warnings of `/ready`. */
  warnings: string[] = []
  dataDir = ''
  private http: Server | undefined
  private port = 0

  static async start(): Promise<FakeServer> {
    const server = new FakeServer()
    server.dataDir = await mkdtemp(join(tmpdir(), 'rollcall-cli-'))
    await writeFile(join(server.dataDir, 'api-key'), `${API_KEY}\n`)
    await server.listen()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Listens, where it did before unless told otherwise, and announces itself. */
  async listen(port = this.port): Promise<void> {
    const http = createServer((request, response) => void this.answer(request, response))
    this.live.attach(http, API_KEY)
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
    this.http = http
    this.port = (http.address() as AddressInfo).port
    await writeFile(join(this.dataDir, 'server.json'), JSON.stringify({ url: this.url, pid: process.pid }))
  }

  /** Stops as abruptly as a crash; what was asked for is kept. */
  async crash(): Promise<void> {
    this.http?.closeAllConnections()
    this.live.dropViewers()
    await new Promise((resolve) => (this.http ? this.http.close(resolve) : resolve(undefined)))
    this.http = undefined
  }

  async stop(): Promise<void> {
    await this.crash()
    await rm(this.dataDir, { recursive: true, force: true })
  }

  addHost(name: string, state: HostView['state'] = 'online', more: Partial<HostView> = {}): HostView {
    const host = fakeHost(name, state, more)
    this.hosts.set(name, host)
    return host
  }

  addCommand(host: string, more: Partial<ConstructorParameters<typeof FakeCommand>[0]> = {}): FakeCommand {
    const { id, name } = this.hosts.get(host) ?? this.addHost(host)
    const command = new FakeCommand({ runId: randomUUID(), host: { id, name }, program: 'true', ...more })
    this.commands.unshift(command)
    this.onCommand(command)
    return command
  }

  private answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return answerByContract(request, response, this.handlers, {
      apiKey: API_KEY,
      onRequest: (parsed) => {
        const seen = parsed as unknown as SeenRequest
        this.requests.push(seen)
        return this.onRequest(seen)
      },
      toStatus: (name) => (name === 'ready' && !this.isReady ? 503 : ADMIN_ROUTES[name].status),
    })
  }

  private ownHandlers(): Handlers {
    return {
      health: () => ({ status: 'ok', version: '0.1.0' }),
      ready: () => ({
        status: this.isReady ? 'ready' : 'not_ready',
        database: this.isReady ? 'up' : 'down',
        queue: 'up',
        warnings: this.warnings,
      }),
      ...this.hostHandlers(),
      ...this.runHandlers(),
      ...this.commandHandlers(),
    }
  }

  private hostHandlers(): Handlers {
    return {
      listHosts: () => ({ hosts: [...this.hosts.values()] }),
      showHost: ({ params }) => ({
        host: this.host(params.host),
        serverPin: SERVER_PIN,
        sameMachineAs: this.sameMachineAs,
      }),
      scanHostKey: () => ({ fingerprint: FINGERPRINT, algorithm: 'ssh-ed25519' }),
      addHost: ({ body }) =>
        this.install(this.addHost(body.name, 'installing', { agent: null, address: body.address })),
      installHost: ({ params }) => this.install(this.host(params.host)),
      removeHost: ({ params, query }) => {
        if (query.forget) return { commandId: null, message: `${params.host} is forgotten.` }
        const command = this.addCommand(params.host, { kind: 'remove', program: 'remove_agent.yml' })
        return { commandId: command.view.id, message: 'Being uninstalled.' }
      },
    }
  }

  private runHandlers(): Handlers {
    return {
      run: ({ body }) => this.run(body),
      runSavedCommand: ({ params, body }) => {
        const { program, args, target } = this.book.saved(params.name)
        return this.run({ program, args, runId: body.runId, ...(body.target ?? target) })
      },
      listRuns: ({ query }) => ({ runs: this.runs.slice(0, query.limit).map(({ view }) => view) }),
      showRun: ({ params }) => ({ run: this.findRun(params.id).view }),
      summarizeRun: ({ params }) => {
        const run = this.findRun(params.id)
        return { run: run.view, groups: run.groups(SAMPLE_BYTES) }
      },
      cancelRun: ({ params }) => {
        const run = this.findRun(params.id)
        run.cancel()
        return { run: run.view }
      },
    }
  }

  private commandHandlers(): Handlers {
    return {
      addContent: ({ content }) => {
        this.content = content
        return { sha256: createHash('sha256').update(content).digest('hex'), size: content.length }
      },
      listCommands: ({ query }) => {
        const views = this.commands.map(({ view }) => view)
        const fitting = views.filter(({ runId }) => !query.runId || runId === query.runId)
        return { commands: fitting.slice(0, query.limit) }
      },
      showCommand: ({ params }) => ({ command: this.command(params.id).view }),
      readOutput: ({ params, query }) => this.page(this.command(params.id), query.offset, query.maxBytes),
      cancelCommand: ({ params }) => ({ command: this.command(params.id).cancel().view }),
      writeInput: ({ params, body }) => this.command(params.id).take(body),
      resizeTerminal: ({ params, body }) => {
        this.command(params.id).sizes.push(body)
        return {}
      },
    }
  }

  private install(host: HostView) {
    return {
      host,
      commandId: this.addCommand(host.name, { kind: 'install', program: 'install_agent.yml' }).view.id,
    }
  }

  private run(body: Partial<NewRun> & { program: string }) {
    const runId = body.runId ?? randomUUID()
    const known = this.runs.find(({ id }) => id === runId)
    if (known) return { runId, commands: known.commands.map(({ view }) => view), skipped: known.skipped }
    const { chosen, skipped } = this.choose(body)
    const commands = chosen.map(({ name }) =>
      this.addCommand(name, {
        runId,
        program: body.program,
        args: body.args ?? [],
        ...(body.timeoutMs !== undefined && { timeoutMs: body.timeoutMs }),
        ...(body.tty !== undefined && { tty: body.tty }),
      }),
    )
    this.runs.unshift(new FakeRun(runId, body, commands, skipped))
    return { runId, commands: commands.map(({ view }) => view), skipped }
  }

  private choose({ hosts, labels }: Partial<NewRun>) {
    if (hosts) return { chosen: hosts.map((name) => this.host(name)), skipped: [] }
    const fitting = [...this.hosts.values()].filter((host) => !labels || fits(labels, host.labels))
    const isInstalled = (host: HostView) => host.state !== 'installing'
    const chosen = fitting.filter(isInstalled)
    if (chosen.length === 0)
      throw new RollcallError('host.none_selected', `No host has the labels ${labels}.`)
    const skipped = fitting.filter((host) => !isInstalled(host))
    return {
      chosen,
      skipped: skipped.map(({ name }) => ({ host: name, reason: 'its agent is still being installed' })),
    }
  }

  private findRun(id: string): FakeRun {
    const run = this.runs.find((each) => each.id === id)
    if (run) return run
    throw new RollcallError('run.not_found', `There is no run ${id}.`)
  }

  private page(command: FakeCommand, offset: number, maxBytes: number) {
    const [chunk] = command.outputFrom(offset)
    const data = Buffer.from(chunk?.data ?? '', 'base64').subarray(0, maxBytes)
    const nextOffset = offset + data.length
    return {
      chunks: chunk ? [{ ...chunk, data: data.toString('base64') }] : [],
      nextOffset,
      firstOffset: offset,
      isFinal: command.isFinal && nextOffset >= command.view.outputBytes,
    }
  }

  private host(name: string): HostView {
    const host = this.hosts.get(name)
    if (host) return host
    throw new RollcallError('host.not_found', `There is no host named: ${name}.`, {
      fields: [{ field: 'hosts', message: `unknown: ${name}` }],
    })
  }

  private command(id: string): FakeCommand {
    const command = this.commands.find(({ view }) => view.id === id)
    if (command) return command
    throw new RollcallError('command.not_found', `There is no command ${id}.`)
  }
}
