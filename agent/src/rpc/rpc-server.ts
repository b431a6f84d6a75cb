import { constants as cryptoConstants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { RollcallError } from '@rollcall/contracts'
import { type AgentHandlers, CHALLENGE_HEADER, ENVELOPE_TYPE } from '@rollcall/contracts/agent'
import express from 'express'
import type { LoadedConfig } from '../config/load-config.ts'
import { errorCode } from '../platform/files.ts'
import { type Log, rateLimited } from '../platform/log.ts'
import { StartError } from '../start-error.ts'
import { Gate, isSignedBody, type Refusal } from './gate.ts'
import { refuse } from './not-found.ts'
import { BodyReader } from './request-body.ts'
import { RpcAdapter } from './rpc-adapter.ts'
import { toRpcError } from './rpc-errors.ts'
import { sendAnswer } from './send-answer.ts'
import { Slot } from './slots.ts'
import { SocketGuard } from './socket-guard.ts'

const HANDSHAKE_MS = 5000
const HEADERS_MS = 10_000
/** For authenticated callers: 2 MiB over half a megabit a second. */
const REQUEST_MS = 30_000
/** The server calls every 20 to 60 seconds and should find its connection open. */
const KEEP_ALIVE_MS = 120_000
const STOP_MS = 1500
const HEADER_BYTES = 8192

/** HTTPS and JSON-RPC on one port. Everyone who is not a pinned server with the token gets the same 404. */
export class RpcServer {
  readonly #config: LoadedConfig
  readonly #adapter: RpcAdapter
  readonly #gate: Gate
  readonly #sockets: SocketGuard
  readonly #bodies: BodyReader
  readonly #server: Server
  readonly #log: Log
  readonly #logRefusal: Log['info']
  readonly #stopping = new AbortController()

  constructor(config: LoadedConfig, handlers: AgentHandlers, log: Log) {
    this.#config = config
    this.#log = log
    this.#logRefusal = rateLimited(log, 5, 60_000, () => performance.now())
    const { limits } = config.config
    this.#adapter = new RpcAdapter(handlers, limits.calls, log)
    const slot = new Slot({ ...config.config, certificate: config.certificate })
    this.#gate = new Gate([slot], () => performance.now())
    this.#sockets = new SocketGuard(limits.connections)
    this.#bodies = new BodyReader(limits.request_bytes)
    this.#server = this.#createServer()
  }

  /** Resolves when the port is open. Rejects with a `StartError` that names the port when it cannot be had. */
  listen(): Promise<void> {
    const port = this.#config.config.rpc_port
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        const reason =
          errorCode(error) === 'EADDRINUSE'
            ? 'is taken by another program'
            : `cannot be opened: ${error.message}`
        reject(new StartError(`rpc_port ${port} ${reason}`, 1))
      })
      this.#server.listen(port, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) => this.#log.error('rpc.server_failed', { error: error.message }))
        resolve()
      })
    })
  }

  /** Stops listening, lets short calls finish and wakes those that wait for news; at most 1.5 s. */
  close(): Promise<void> {
    this.#stopping.abort()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#server.closeAllConnections(), STOP_MS)
      this.#server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      this.#server.closeIdleConnections()
    })
  }

  #createServer(): Server {
    const app = this.#createApp()
    const server = createServer(
      {
        cert: this.#config.certificate,
        key: this.#config.privateKey,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // No authority signs the servers' certificates: the gate decides by pin.
        rejectUnauthorized: false,
        secureOptions: cryptoConstants.SSL_OP_NO_TICKET,
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: HEADERS_MS / 2,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: HEADER_BYTES,
      },
      app,
    )
    server.prependListener('connection', (socket: Socket) => this.#sockets.admit(socket))
    server.on('secureConnection', (socket: TLSSocket) => {
      if (this.#gate.checkSocket(socket) === null) this.#sockets.trust(socket)
    })
    server.on('tlsClientError', (error, socket) => {
      this.#logRefusal('rpc.handshake_failed', { reason: errorCode(error), from: socket.remoteAddress })
      socket.destroy()
    })
    server.on('clientError', (error, socket: Duplex) => {
      this.#logRefusal('rpc.refused', { reason: errorCode(error) })
      refuse(socket)
    })
    // Node would answer these three by itself, and so tell the caller that it has found something.
    server.on('checkContinue', app)
    server.on('checkExpectation', (request) => refuse(request.socket))
    server.on('connect', (_request, socket) => refuse(socket))
    server.on('upgrade', (_request, socket) => refuse(socket))
    return server
  }

  #createApp(): express.Express {
    const app = express()
    app.disable('x-powered-by')
    app.disable('etag')
    app.use((request: IncomingMessage, response: ServerResponse) => {
      const verdict = this.#gate.check(request.socket as TLSSocket, request)
      if (verdict.kind === 'refused') this.#refuse(request, verdict.reason)
      else if (verdict.kind === 'challenged')
        response.writeHead(401, { [CHALLENGE_HEADER]: verdict.challenge, 'Content-Length': 0 }).end()
      else return this.#serve(request, response, verdict.bodyHash)
    })
    // Last resort: an error of express itself must not answer in express's own words.
    app.use((error: Error, request: IncomingMessage, _response: ServerResponse, _next: unknown) => {
      this.#log.error('rpc.defect', { error: String(error.stack) })
      refuse(request.socket, request.method)
    })
    return app
  }

  #refuse(request: IncomingMessage, reason: Refusal): void {
    this.#logRefusal('rpc.refused', { reason, from: request.socket.remoteAddress })
    refuse(request.socket, request.method)
  }

  async #serve(request: IncomingMessage, response: ServerResponse, bodyHash: string | null): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    if (request.headers.expect !== undefined) response.writeContinue()
    let answer: unknown
    try {
      const body = await this.#bodies.read(request)
      if (!isSignedBody(body, bodyHash)) return this.#refuse(request, 'signature.other_body')
      const signal = AbortSignal.any([gone.signal, this.#stopping.signal])
      const isEnvelope = request.headers['content-type']?.toLowerCase().startsWith(ENVELOPE_TYPE) === true
      answer = await this.#adapter.answer(body, signal, isEnvelope)
    } catch (error) {
      if (!(error instanceof RollcallError)) {
        // The caller went away in the middle of its request: there is nobody to answer.
        request.socket.destroy()
        return
      }
      answer = { jsonrpc: '2.0', id: null, error: toRpcError(error) }
    }
    if (this.#stopping.signal.aborted) response.setHeader('Connection', 'close')
    if (answer === null) {
      response.writeHead(204).end()
      return
    }
    const text = Buffer.from(JSON.stringify(answer))
    if ((await sendAnswer(response, text, gone.signal)) === 'stalled')
      this.#logRefusal('rpc.stalled', { bytes: text.length, from: request.socket.remoteAddress })
  }
}
