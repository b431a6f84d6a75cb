import { constants as cryptoConstants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { RollcallError } from '@rollcall/contracts'
import {
  type AgentHandlers,
  type AgentLimits,
  CHALLENGE_HEADER,
  ENVELOPE_TYPE,
  STAGED_SERVER_NAME,
  toRpcError,
} from '@rollcall/contracts/agent'
import express from 'express'
import { errorCode } from '../../platform/files.ts'
import { type Log, rateLimited } from '../../platform/log.ts'
import { StartError } from '../../platform/start-error.ts'
import type { CredentialsService, KeyPair } from '../credentials/credentials.service.ts'
import { type Admitted, Gate, isSignedBody, type Refusal } from './gate.ts'
import { refuse, sendAnswer } from './http-answer.ts'
import { type Body, BodyReader } from './request-body.ts'
import { RpcAdapter } from './rpc-adapter.ts'
import { SocketGuard } from './socket-guard.ts'

const HANDSHAKE_MS = 5000
const HEADERS_MS = 10_000
/** For authenticated callers: 2 MiB over half a megabit a second. */
const REQUEST_MS = 30_000
/** The server calls every 20 to 60 seconds and should find its connection open. */
const KEEP_ALIVE_MS = 120_000
const STOP_MS = 1500
const HEADER_BYTES = 8192

interface Settings {
  port: number
  limits: AgentLimits
  credentials: CredentialsService
}

const toContext = ({ certificate, privateKey }: KeyPair): SecureContextOptions => ({
  cert: certificate,
  key: privateKey,
  minVersion: 'TLSv1.3',
  secureOptions: cryptoConstants.SSL_OP_NO_TICKET,
})

/** Serves JSON-RPC over HTTPS on one port. Every caller but a pinned server with the token gets the same 404. */
export class RpcServer {
  readonly #port: number
  readonly #credentials: CredentialsService
  readonly #adapter: RpcAdapter
  readonly #gate: Gate
  readonly #sockets: SocketGuard
  readonly #bodies: BodyReader
  readonly #server: Server
  readonly #log: Log
  readonly #logRefusal: Log['info']
  readonly #stopping = new AbortController()

  constructor({ port, limits, credentials }: Settings, handlers: AgentHandlers, log: Log) {
    this.#port = port
    this.#credentials = credentials
    this.#log = log
    this.#logRefusal = rateLimited(log, 5, 60_000, () => performance.now())
    this.#adapter = new RpcAdapter(handlers, limits.calls, log)
    this.#gate = new Gate(credentials.slots, () => performance.now())
    this.#sockets = new SocketGuard(limits.connections, () => performance.now())
    this.#bodies = new BodyReader(limits.request_bytes)
    this.#server = this.#createServer()
    credentials.onChange = () => this.#useCredentials()
  }

  /** Opens the port. Throws `StartError` that names the port if it cannot be opened. */
  listen(): Promise<void> {
    const port = this.#port
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        const reason =
          errorCode(error) === 'EADDRINUSE'
            ? 'is in use by another program'
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

  /** Stops listening, lets short calls finish and wakes those that wait; takes 1.5 s at most. */
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
        ...toContext(this.#credentials.present),
        SNICallback: (name, done) => done(null, this.#toContext(name)),
        requestCert: true,
        // The servers' certificates have no authority: the gate decides by pin.
        rejectUnauthorized: false,
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: HEADERS_MS / 2,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: HEADER_BYTES,
      },
      app,
    )
    // A refused connection must not cost a handshake: Node's own listener gets only admitted ones.
    const handshakes = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (this.#sockets.admit(socket)) for (const handshake of handshakes) handshake.call(server, socket)
    })
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
    // Node would answer these itself, and so reveal an HTTP server.
    server.on('checkContinue', app)
    server.on('checkExpectation', (request) => refuse(request.socket))
    server.on('connect', (_request, socket) => refuse(socket))
    server.on('upgrade', (_request, socket) => refuse(socket))
    return server
  }

  /** Applies new credentials. Open connections stay, and their next requests are checked against the new ones. */
  #useCredentials(): void {
    this.#gate.replaceSlots(this.#credentials.slots)
    this.#server.setSecureContext(toContext(this.#credentials.present))
  }

  /** Returns the staged certificate for its server name, or undefined for the server's own. */
  #toContext(name: string): SecureContext | undefined {
    const { staged } = this.#credentials
    return name === STAGED_SERVER_NAME && staged ? createSecureContext(toContext(staged)) : undefined
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
      else return this.#serve(request, response, verdict)
    })
    // An error of express itself must not be answered in express's own words.
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

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    { bodyHash, slot }: Admitted,
  ): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    if (request.headers.expect !== undefined) response.writeContinue()
    let answer: unknown
    let body: Body | undefined
    try {
      body = await this.#bodies.read(request)
      if (!isSignedBody(body.bytes, bodyHash)) return this.#refuse(request, 'signature.other_body')
      this.#credentials.noteUse(slot)
      const signal = AbortSignal.any([gone.signal, this.#stopping.signal])
      const isEnvelope = request.headers['content-type']?.toLowerCase().startsWith(ENVELOPE_TYPE) === true
      answer = await this.#adapter.answer(body.bytes, signal, isEnvelope)
    } catch (error) {
      if (!(error instanceof RollcallError)) {
        // The caller closed the connection during its request.
        request.socket.destroy()
        return
      }
      answer = { jsonrpc: '2.0', id: null, error: toRpcError(error) }
    } finally {
      body?.release()
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
