import {
  CHALLENGE_HEADER,
  parseChallenge,
  RequestSigner,
  SIGNATURE_HEADER,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'
import type { Client, Dispatcher } from 'undici'
import type { AgentAddress } from './agent-address.ts'
import { alwaysChallenged } from './agent-answer.ts'
import { signingPorts } from './signing-ports.ts'

/** What a request carries. */
export interface Body {
  type: string
  bytes: string | Buffer
}

/** Posts to one agent, each request signed. Its secret key is used here and goes nowhere. */
export class SignedRequests {
  private readonly signer: RequestSigner

  constructor(private readonly address: AgentAddress) {
    this.signer = new RequestSigner(signingPorts(address.secretKey))
  }

  /** Signs anew, once, where the agent says by which time: at the first request to each life of it, and when clocks drift. */
  async send(client: Client, body: Body, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const first = await this.sendOnce(client, body, signal)
    const challenge = challengeOf(first)
    if (!challenge) return first
    this.signer.learn(challenge)
    await first.body.dump({ limit: 1024 })
    const second = await this.sendOnce(client, body, signal)
    if (!challengeOf(second)) return second
    await second.body.dump({ limit: 1024 })
    throw alwaysChallenged()
  }

  private sendOnce(client: Client, body: Body, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const path = `/${this.address.path}/rpc`
    const request = { method: 'POST', path, agentPin: this.address.certificatePin }
    return client.request({
      method: 'POST',
      path,
      headers: {
        'content-type': body.type,
        [TOKEN_HEADER]: this.address.token,
        [SIGNATURE_HEADER]: this.signer.sign(body.bytes, request),
      },
      body: body.bytes,
      signal,
    })
  }
}

/** An agent that challenges has done nothing else. */
const challengeOf = ({ statusCode, headers }: Dispatcher.ResponseData) =>
  statusCode === 401 ? parseChallenge(String(headers[CHALLENGE_HEADER] ?? '')) : null
