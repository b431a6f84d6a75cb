import { hash } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { RollcallError } from '@rollcall/contracts'
import { buildConnector, errors } from 'undici'
import { toPin } from '../crypto/certificates.ts'
import type { AgentAddress } from './agent-address.ts'

const CONNECT_TIMEOUT_MS = 10_000

/**
 * Opens connections with the server's certificate, only to agents that show the expected key. Where `isInDoubt` says that
 * the host may be away, TLS begins only when a TCP connection is open: that one attempt is all that a dark host costs.
 */
export type AgentConnector = (expected: ExpectedKey, isInDoubt: () => boolean) => buildConnector.connector

type ExpectedKey = Pick<AgentAddress, 'certificatePin' | 'certificateDigest' | 'serverName'>

/** Makes a connector, once for all agents: reading the certificate costs more than a handshake. */
export function agentConnector(identity: { certificatePem: string; privateKeyPem: string }): AgentConnector {
  const connect = buildConnector({
    secureContext: createSecureContext({
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
      minVersion: 'TLSv1.3',
    }),
    // The certificate is self-signed and known by its pin, which is checked below before the socket is handed out.
    rejectUnauthorized: false,
    // A resumed session would show no certificate to check.
    maxCachedSessions: 0,
    timeout: CONNECT_TIMEOUT_MS,
  })
  return (expected, isInDoubt) => (options, callback) => {
    const name = expected.serverName !== undefined && { servername: expected.serverName }
    const secure = (httpSocket = options.httpSocket) =>
      connect({ ...options, ...name, ...(httpSocket && { httpSocket }) }, checked(expected, callback))
    if (!isInDoubt()) return secure()
    const { hostname, port } = options
    openTcp({ hostname, port: Number(port), timeoutMs: CONNECT_TIMEOUT_MS }, (error, socket) =>
      socket ? secure(socket) : callback(error as Error, null),
    )
  }
}

/**
 * Opens a TCP connection on which nothing is said yet, or tells why there is none: the system's own error, or undici's
 * `UND_ERR_CONNECT_TIMEOUT`. Several times cheaper to fail with than a TLS socket: it costs a timer and a packet.
 */
export function openTcp(
  { hostname, port, timeoutMs }: { hostname: string; port: number; timeoutMs: number },
  done: (error: Error | null, socket: Socket | null) => void,
): void {
  const socket = connectTcp({ host: hostname, port })
  let isDecided = false
  const decide = (error: Error | null) => {
    if (isDecided) return
    isDecided = true
    socket.setTimeout(0)
    if (!error) return done(null, socket)
    socket.destroy()
    done(error, null)
  }
  socket.once('connect', () => decide(null))
  // Stays: later errors are reported by the TLS socket on top, which it closes with itself.
  socket.on('error', decide)
  socket.setTimeout(timeoutMs, () =>
    decide(new errors.ConnectTimeoutError(`no connection to ${hostname}:${port} within ${timeoutMs} ms`)),
  )
}

/** Hands out the socket only when the expected key was seen on it. */
function checked(expected: ExpectedKey, callback: buildConnector.Callback): buildConnector.Callback {
  return (...[error, socket]: Parameters<buildConnector.Callback>) => {
    if (error) return callback(error, null)
    const pin = expected.certificatePin
    const seen = pinSeen(socket as TLSSocket, expected)
    if (seen === pin) return callback(null, socket)
    socket.destroy()
    callback(
      new RollcallError(
        'agent.identity_changed',
        `Something else answers on the agent's port: expected the certificate pin ${pin}, saw ${seen ?? 'none'}. Nothing was sent to it. If the host was rebuilt, install it again; otherwise find out who answers there.`,
      ),
      null,
    )
  }
}

function pinSeen(socket: TLSSocket, expected: ExpectedKey): string | undefined {
  if (socket.isSessionReused()) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  // Taking the key out of a certificate costs as much as the rest of the handshake; to compare the whole is cheap.
  const isTheOneGiven = digestOf(certificate.raw) === expected.certificateDigest
  return isTheOneGiven ? expected.certificatePin : toPin(certificate)
}

const digestOf = (der: Buffer) => hash('sha256', der, 'base64')

/** The digest of a certificate, as `AgentAddress` wants it. */
export const certificateDigest = (pem: string) =>
  digestOf(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64'))
