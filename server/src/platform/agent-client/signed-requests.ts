import {
  CHALLENGE_HEADER,
  parseChallenge,
  RequestSigner,
  SIGNATURE_HEADER,
  type SignedBody,
  TOKEN_HEADER,
} from '@rollcall/contracts/agent'
import type { Client } from 'undici'
import type { AgentAddress } from './agent-address.ts'
import { alwaysChallenged } from './agent-answer.ts'
import type { Deadline } from './deadline.ts'
import { type Posted, post } from './post.ts'
import { signingPorts } from './signing-ports.ts'

/** The body of a request. */
export interface Body {
  type: string
  content: SignedBody
}

/** Posts to one agent, each request signed. Its secret key is used here and goes nowhere. */
export class SignedRequests {
  private readonly signer: RequestSigner

  constructor(private readonly address: AgentAddress) {
    this.signer = new RequestSigner(signingPorts(address.secretKey))
  }

  /** Signs anew, once, where the agent says by which time: at the first request to each life of it, and when clocks drift. */
  async send(client: Client, body: Body, maxBytes: number, deadline: Deadline): Promise<Posted> {
    const first = await this.sendOnce(client, body, maxBytes, deadline)
    const challenge = challengeOf(first)
    if (!challenge) return first
    this.signer.learn(challenge)
    const second = await this.sendOnce(client, body, maxBytes, deadline)
    if (!challengeOf(second)) return second
    throw alwaysChallenged()
  }

  private sendOnce(client: Client, body: Body, maxBytes: number, deadline: Deadline): Promise<Posted> {
    const path = `/${this.address.path}/rpc`
    const signed = { method: 'POST', path, agentPin: this.address.certificatePin }
    const headers = {
      'content-type': body.type,
      [TOKEN_HEADER]: this.address.token,
      [SIGNATURE_HEADER]: this.signer.sign(body.content, signed),
    }
    return post(client, { path, headers, body: body.content }, maxBytes, deadline)
  }
}

/** An agent that challenges has done nothing else. */
const challengeOf = ({ statusCode, headers }: Posted) =>
  statusCode === 401 ? parseChallenge(String(headers[CHALLENGE_HEADER] ?? '')) : null
