import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type WebSocket, WebSocketServer } from 'ws'
import { AccessService, type Principal, RightsWatch } from '../access/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { toClient } from '../platform/network/client-address.ts'
import { CONFIG } from '../platform/tokens.ts'
import { LiveConnection, LiveSources } from './live-connection.ts'

const PATH = '/ws'
const MAX_REQUEST_BYTES = 64 * 1024
const MAX_SOCKETS = 1000

/**
 * `/ws`: a socket follows commands, each from an offset of its own, and gets every byte once and in order; and runs and
 * transfers. It may watch the fleet and services as well.
 */
@Injectable()
export class LiveGateway extends Reconciler {
  override readonly name = 'live-pings'
  override readonly intervalMs = 30_000
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: MAX_REQUEST_BYTES })
  /** Sockets that have answered the last ping. */
  private readonly alive = new WeakSet<WebSocket>()

  constructor(
    private readonly access: AccessService,
    private readonly rights: RightsWatch,
    private readonly sources: LiveSources,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

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
  }

  close(): void {
    this.sources.fleet.close()
    this.sources.services.close()
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
      void this.access.publishRefusal(
        { ip: toClient(request, this.config.trustedProxies).address },
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
    const connection = new LiveConnection(socket, principal, this.sources)
    const unwatch = this.rights.watch(async () => connection.recheck(await this.access.identify(upgrade)))
    this.alive.add(socket)
    socket.on('pong', () => this.alive.add(socket))
    socket.on('error', (error) => this.log.debug({ err: error }, 'a live connection broke'))
    socket.on('close', () => {
      unwatch()
      connection.close()
    })
    socket.on('message', (data) => connection.take(String(data)))
  }

  /** Pings every socket, and ends those that have not answered the ping before. */
  override async reconcile(): Promise<void> {
    for (const socket of this.server.clients)
      if (this.alive.delete(socket)) socket.ping()
      else socket.terminate()
  }
}
