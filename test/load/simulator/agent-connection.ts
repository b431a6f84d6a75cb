import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { RollcallError } from '@rollcall/contracts'
import { CHALLENGE_HEADER, STAGED_SERVER_NAME } from '@rollcall/contracts/agent'
import type { CredentialSlot } from '../../../agent/test/fixtures/agent-parts.ts'
import type { CallLog } from './call-log.ts'
import { type Admitted, admit, NOT_FOUND, type PinReader } from './gate.ts'
import { RECORDED } from './messages.ts'
import { answerTo, errorText, readRequest } from './rpc.ts'
import { withoutSignature } from './signatures.ts'
import type { OpenConnection, SimulatedAgent } from './simulated-agent.ts'
import { type AnsweringConnection, answerWrongly, isWireFault } from './wire-faults.ts'

const MAX_HEAD_BYTES = 8192
const MAX_BODY_BYTES = 2 * 1024 * 1024
const NO_BYTES = Buffer.alloc(0)

export interface Stage {
  log: CallLog
  pins: PinReader
  /** Connections that proved a server's key, and requests of those, so far. */
  trusted: number
  requests: number
}

/** One TCP connection to an agent: TLS, as much HTTP as a server of ours speaks, and the agent's answers. */
export class AgentConnection implements OpenConnection, AnsweringConnection {
  readonly agent: SimulatedAgent
  readonly port: number
  lastMs = performance.now()
  isTrusted = false
  readonly #stage: Stage
  readonly #raw: Socket
  readonly #tls: TLSSocket
  #unread: Buffer = NO_BYTES
  #isBusy = false
  /** The pin that its caller has proven. */
  #pin: string | null = null
  /** The head of the last request: a kept connection repeats it. */
  #head = ''
  #slots: readonly CredentialSlot[] = []
  #admitted: Admitted | null = null

  constructor(raw: Socket, agent: SimulatedAgent, stage: Stage) {
    this.agent = agent
    this.port = raw.remotePort ?? 0
    this.#stage = stage
    this.#raw = raw
    const { stagedContext } = agent
    this.#tls = new TLSSocket(raw, {
      isServer: true,
      secureContext: agent.secureContext,
      requestCert: true,
      rejectUnauthorized: false,
      ...(stagedContext && {
        SNICallback: (name, use) => use(null, name === STAGED_SERVER_NAME ? stagedContext : undefined),
      }),
    })
    agent.connections.add(this)
    // Whoever breaks a connection off is told by its end alone, as with any server.
    raw.on('error', () => this.reset())
    this.#tls.on('error', () => this.reset())
    this.#tls.on('close', () => agent.connections.delete(this))
    this.#tls.on('secure', () => this.#checkCaller())
    this.#tls.on('data', (data: Buffer) => this.#read(data))
  }

  get isOpen(): boolean {
    return !this.#tls.destroyed
  }

  reset(): void {
    if (!this.#raw.destroyed) this.#raw.resetAndDestroy()
    this.#tls.destroy()
  }

  end(): void {
    this.#tls.end()
  }

  write(text: string | Buffer): boolean {
    return this.isOpen && this.#tls.write(text)
  }

  onDrain(ready: () => void): void {
    this.#tls.once('drain', ready)
  }

  onClose(work: () => void): void {
    this.#tls.once('close', work)
  }

  answer(body: string, status = '200 OK', more = ''): void {
    const type = body === '' ? more : `Content-Type: application/json\r\n${more}`
    const head = `HTTP/1.1 ${status}\r\n${type}Content-Length: ${Buffer.byteLength(body)}\r\nDate: ${httpDate()}\r\n`
    this.write(`${head}Connection: keep-alive\r\nKeep-Alive: timeout=120\r\n\r\n${body}`)
    this.#isBusy = false
    if (this.#unread.length > 0) this.#next()
  }

  refuse(): void {
    // Whatever else comes of a stranger is not read.
    this.#isBusy = true
    this.#stage.log.add(this.agent.index, this.port, RECORDED.refused)
    if (this.isOpen) this.#tls.end(NOT_FOUND)
  }

  #checkCaller(): void {
    const pin = this.#stage.pins.toPin(this.#tls)
    this.#pin = pin
    this.isTrusted = pin !== null && this.agent.slots.some((slot) => slot.hasPin(pin))
    if (this.isTrusted) this.#stage.trusted++
  }

  #read(data: Buffer): void {
    this.lastMs = performance.now()
    this.#unread = this.#unread.length === 0 ? data : Buffer.concat([this.#unread, data])
    if (!this.#isBusy) this.#next()
    else if (this.#unread.length > MAX_BODY_BYTES) this.reset()
  }

  #next(): void {
    const headEnd = this.#unread.indexOf('\r\n\r\n')
    if (headEnd < 0) {
      if (this.#unread.length > MAX_HEAD_BYTES) this.refuse()
      return
    }
    const { head, signature } = withoutSignature(this.#unread.toString('latin1', 0, headEnd))
    const admitted = this.#admit(head)
    if (admitted === null) {
      this.refuse()
      return
    }
    const bodyAt = headEnd + 4
    const bodyEnd = bodyAt + Math.min(admitted.bodyBytes, MAX_BODY_BYTES)
    if (this.#unread.length < bodyEnd) {
      if (admitted.expectsContinue && this.#unread.length === bodyAt)
        this.write('HTTP/1.1 100 Continue\r\n\r\n')
      return
    }
    const body = this.#unread.toString('utf8', bodyAt, bodyEnd)
    // A view of nothing would keep the whole piece it was cut from.
    this.#unread = this.#unread.length === bodyEnd ? NO_BYTES : this.#unread.subarray(bodyEnd)
    this.#isBusy = true
    this.agent.whenAwake(() => {
      // Those that are too large are not read whole, so their hash is not known; they are answered with no more than that.
      const isTooLarge = admitted.bodyBytes > MAX_BODY_BYTES
      if (isTooLarge || this.#isSigned(signature, body, admitted.slots)) this.#serve(body, isTooLarge)
    })
  }

  /** Answers a request whose signature does not let it in. */
  #isSigned(signature: string | null, body: string, slots: readonly CredentialSlot[]): boolean {
    const verdict = this.agent.signatures.check(signature, body, slots)
    if (verdict === 'refused') this.refuse()
    else if (!('challenge' in verdict)) {
      this.agent.noteUse(verdict)
      return true
    } else this.answer('', '401 Unauthorized', `${CHALLENGE_HEADER}: ${verdict.challenge}\r\n`)
    return false
  }

  #admit(head: string): Admitted | null {
    if (!this.isTrusted || this.#pin === null) return null
    const { slots } = this.agent
    if (head !== this.#head || slots !== this.#slots) {
      this.#admitted = admit(head, this.#pin, slots)
      this.#head = head
      this.#slots = slots
    }
    return this.#admitted
  }

  #serve(body: string, isTooLarge: boolean): void {
    if (isTooLarge) {
      const error = new RollcallError('request.too_large', `A request may have ${MAX_BODY_BYTES} bytes.`)
      this.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${errorText(null, error)}`)
      this.end()
      return
    }
    this.#stage.requests++
    const asked = readRequest(body)
    this.#stage.log.add(this.agent.index, this.port, 'error' in asked ? 0 : asked.methods)
    const latencyMs = this.agent.latencyMs
    const respond = () => {
      const { fault } = this.agent
      if (fault !== null && isWireFault(fault)) {
        answerWrongly(this, fault, asked)
        return
      }
      const text = answerTo(asked, this.agent.handlers)
      if (text instanceof Promise) text.then((late) => this.#say(late))
      else this.#say(text)
    }
    if (latencyMs > 0) setTimeout(respond, latencyMs)
    else respond()
  }

  #say(text: string | null): void {
    if (text === null) this.answer('', '204 No Content')
    else this.answer(text)
  }
}

let dateSecond = 0
let dateText = ''
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date().toUTCString()
  }
  return dateText
}
