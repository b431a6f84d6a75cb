/**
 * Measures ten thousand heartbeats without Rollcall: one undici client for each agent, the same TLS and the same pins, each
 * agent called at its own random time, the answers parsed, nothing kept. A process of its own, told what to do by its parent.
 */
import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { TOKEN_HEADER } from '@rollcall/contracts/agent'
import { buildConnector, Client } from 'undici'
import type { Identity } from '../../agent/test/fixtures/certificate.ts'
import type { LoadAgent } from '../load/agents.ts'

export interface BareLoopOrder {
  agents: LoadAgent[]
  server: Identity
  minMs: number
  maxMs: number
  /** The first call of each comes at a random moment within this time. */
  connectMs: number
}

const KEEP_ALIVE_MS = 100_000
const BODY = JSON.stringify([
  { jsonrpc: '2.0', id: 1, method: 'heartbeat', params: {} },
  { jsonrpc: '2.0', id: 2, method: 'get_status', params: {} },
])

export interface BareLoopCounts {
  calls: number
  failures: number
}

const counts: BareLoopCounts = { calls: 0, failures: 0 }

function clientOf({ address, port, identity }: LoadAgent, secureContext: SecureContext): Client {
  const connect = buildConnector({ secureContext, rejectUnauthorized: false, maxCachedSessions: 0 })
  return new Client(`https://${address}:${port}`, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (options, callback) =>
      connect(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
        if (error) return callback(error, null)
        const spki = (socket as TLSSocket).getPeerX509Certificate()?.publicKey
        const der = spki?.export({ type: 'spki', format: 'der' }) ?? Buffer.alloc(0)
        const pin = `sha256/${createHash('sha256').update(der).digest('base64')}`
        if (pin === identity.pin) callback(null, socket)
        else callback(new Error('another certificate'), null)
      }),
  })
}

function start({ agents, server, minMs, maxMs, connectMs }: BareLoopOrder): void {
  // One for all: a context of its own would cost each client 30 KB and 0.4 ms.
  const { certificate: cert, privateKey: key } = server
  const secureContext = createSecureContext({ cert, key, minVersion: 'TLSv1.3' })
  for (const agent of agents) {
    const client = clientOf(agent, secureContext)
    const headers = { 'content-type': 'application/json', [TOKEN_HEADER]: agent.token }
    const path = `/${agent.path}/rpc`
    const call = async () => {
      const { statusCode, body } = await client.request({ method: 'POST', path, headers, body: BODY })
      const answers = JSON.parse(await body.text()) as { result?: unknown }[]
      if (statusCode !== 200 || answers.some(({ result }) => result === undefined))
        throw new Error(`${agent.name} answered ${statusCode}`)
      counts.calls++
    }
    const later = (ms: number) => {
      setTimeout(async () => {
        // Its turn comes again, as with a server's; how many failed decides whether the figure counts.
        await call().catch(() => counts.failures++)
        later(minMs + Math.random() * (maxMs - minMs))
      }, ms)
    }
    later(Math.random() * connectMs)
  }
}

process.on('message', (order: BareLoopOrder | 'count') => {
  if (order === 'count') process.send?.(counts)
  else start(order)
})
process.on('disconnect', () => process.exit())
