import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type LiveEvent, liveRequest } from '@rollcall/contracts/admin'
import { type WebSocket, WebSocketServer } from 'ws'
import { AccessService, may, type Principal, ScopeRepository } from '../access/index.ts'
import { CommandEvents, CommandsService } from '../commands/index.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { clientOfRequest } from '../platform/network/client-address.ts'
import { CONFIG } from '../platform/tokens.ts'
import { RunsRepository, RunsService } from '../runs/index.ts'
import { CommandFollower } from './command-follower.ts'
import { FleetFeed } from './fleet-feed.ts'
import { RunFollower } from './run-follower.ts'

const PATH = '/ws'
const MAX_REQUEST_BYTES = 64 * 1024
const MAX_SOCKETS = 1000
const MAX_FOLLOWED_PER_SOCKET = 1000
const MAX_RUNS_PER_SOCKET = 8
const PING_INTERVAL_MS = 30_000
/** Of the codes that applications may use: what 401 is for HTTP. */
const SIGNED_OUT = 4401

/**
 * `/ws`: a socket follows commands, each from an offset of its own, and gets every byte once and in order; and runs. It
 * may watch the fleet as well.
 */
@Injectable()
export class LiveGateway {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: MAX_REQUEST_BYTES })
  private pinging: NodeJS.Timeout | undefined

  constructor(
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    private readonly commands: CommandsService,
    private readonly runs: RunsService,
    private readonly runRows: RunsRepository,
    private readonly events: CommandEvents,
    private readonly fleet: FleetFeed,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Takes the upgrades of an HTTP server. */
  attach(http: Server): void {
    http.on('upgrade', (request, socket, head) => {
      // Node takes its own listener away before this event: a reset while we look up the key would end the process.
      const drop = () => socket.destroy()
      socket.on('error', drop)
      this.admit(request)
        .then((principal) => {
          if (socket.destroyed) return
          socket.off('error', drop)
          this.server.handleUpgrade(request, socket, head, (ws) => this.serve(ws, principal, request))
        })
        .catch((error) => this.refuse(socket, request, error))
    })
    this.pinging = setInterval(() => this.ping(), PING_INTERVAL_MS).unref()
  }

  close(): void {
    clearInterval(this.pinging)
    this.fleet.close()
    for (const socket of this.server.clients) socket.close(1001, 'the server stops')
    this.server.close()
  }

  private async admit(request: IncomingMessage): Promise<Principal> {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== PATH)
      throw new RollcallError('request.not_found', 'Only /ws speaks WebSocket.')
    if (!this.access.mayAct(request))
      throw new RollcallError(
        'request.forbidden',
        'This origin may not connect. Add it to ROLLCALL_ALLOWED_ORIGINS if it should.',
      )
    const principal = await this.access.authenticate(request)
    if (this.server.clients.size >= MAX_SOCKETS)
      throw new RollcallError(
        'server.overloaded',
        'Too many live connections are open. Close some, or try again later.',
      )
    return principal
  }

  private refuse(socket: Duplex, request: IncomingMessage, error: unknown): void {
    const known = error instanceof RollcallError ? error : undefined
    if (known?.kind === 'rejected')
      void this.access.tellRefused(
        { ip: clientOfRequest(request, this.config.trustedProxies).address },
        'openLive',
        known.code,
      )
    if (!known) this.log.error({ err: error }, 'a live connection failed')
    const status = {
      'request.unauthenticated': '401 Unauthorized',
      'request.forbidden': '403 Forbidden',
      'request.not_found': '404 Not Found',
    }
    const line = status[known?.code as keyof typeof status] ?? '503 Service Unavailable'
    const body = `${known?.message ?? 'Try again.'}\n`
    socket.end(
      `HTTP/1.1 ${line}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }

  private serve(socket: WebSocket, principal: Principal, upgrade: IncomingMessage): void {
    const followers = new Map<string, CommandFollower | RunFollower>()
    const answering = { isAlive: true, upgrade }
    this.answering.set(socket, answering)
    socket.on('pong', () => {
      answering.isAlive = true
    })
    socket.on('error', (error) => this.log.debug({ err: error }, 'a live connection broke'))
    socket.on('close', () => {
      for (const follower of followers.values()) follower.stop()
      this.fleet.unwatch(socket)
    })
    socket.on('message', (data) => {
      const request = parseRequest(String(data))
      if (!request)
        return send(socket, {
          type: 'error',
          commandId: null,
          code: 'request.invalid',
          message:
            'Send {"type":"follow","commandId":"…","offset":0}, {"type":"follow-run","runId":"…"} or {"type":"watch-fleet"}.',
        })
      if (!may(principal, 'runId' in request || 'commandId' in request ? 'commands:read' : 'hosts:read'))
        return send(socket, {
          ...{ type: 'error', commandId: null, code: 'request.forbidden' },
          message: `${principal.name} may not look at this. Ask an admin.`,
        })
      if (request.type === 'watch-fleet') return this.fleet.watch(socket, principal.scope, request)
      if (request.type === 'unwatch-fleet') return this.fleet.unwatch(socket)
      const about = 'runId' in request ? { runId: request.runId } : { commandId: request.commandId }
      const key = about.runId ?? about.commandId
      followers.get(key)?.stop()
      followers.delete(key)
      if (request.type === 'unfollow' || request.type === 'unfollow-run') return
      const isRun = request.type === 'follow-run'
      const most = isRun ? MAX_RUNS_PER_SOCKET : MAX_FOLLOWED_PER_SOCKET
      const followed = [...followers.values()].filter((each) => each instanceof RunFollower === isRun).length
      if (followed >= most)
        return send(socket, {
          ...{ type: 'error', commandId: null, ...about, code: 'server.overloaded' },
          message: `One connection follows at most ${most} ${isRun ? 'runs' : 'commands'}.`,
        })
      const follower = isRun
        ? new RunFollower(request.runId, socket, this.runs, this.runRows, this.events)
        : new CommandFollower(request.commandId, request, socket, this.commands, this.events)
      followers.set(key, follower)
      this.mayFollow(principal, about)
        .then(() => follower.run())
        .catch((error) => this.reportFailure(socket, about, error))
        .finally(() => {
          if (followers.get(key) === follower) followers.delete(key)
        })
    })
  }

  /** What lies outside of somebody's scope does not exist for them. */
  private async mayFollow(
    { scope }: Principal,
    about: { commandId?: string; runId?: string },
  ): Promise<void> {
    const { commandId, runId } = about
    if (commandId && !(await this.scopes.exists('command', scope, commandId)))
      throw new RollcallError('command.not_found', `There is no command ${commandId}.`)
    if (runId && !(await this.scopes.exists('run', scope, runId)))
      throw new RollcallError('run.not_found', `There is no run ${runId}.`)
  }

  private readonly answering = new WeakMap<WebSocket, { isAlive: boolean; upgrade: IncomingMessage }>()

  private ping(): void {
    for (const socket of this.server.clients) {
      const state = this.answering.get(socket)
      if (!state?.isAlive) socket.terminate()
      else {
        state.isAlive = false
        socket.ping()
        void this.closeIfSignedOut(socket, state.upgrade)
      }
    }
  }

  /** A session that has ended, or a key that was removed, shows nothing any more. A database that is away changes nothing. */
  private async closeIfSignedOut(socket: WebSocket, upgrade: IncomingMessage): Promise<void> {
    try {
      if (!(await this.access.recognise(upgrade))) socket.close(SIGNED_OUT, 'sign in again')
    } catch (error) {
      this.log.warn({ err: error }, 'whether a viewer is still signed in could not be asked')
    }
  }

  private reportFailure(
    socket: WebSocket,
    about: { commandId?: string; runId?: string },
    error: unknown,
  ): void {
    const known = error instanceof RollcallError ? error : undefined
    if (!known) this.log.warn({ err: error, ...about }, 'a viewer could not be served')
    send(socket, {
      type: 'error',
      commandId: null,
      ...about,
      code: known?.code ?? 'server.database_unavailable',
      message: known?.message ?? 'The output cannot be read at the moment. Follow it again from your offset.',
    })
  }
}

function parseRequest(text: string) {
  try {
    return liveRequest.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function send(socket: WebSocket, event: LiveEvent): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(event))
}
