import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { Client, ServerHostKeyAlgorithm } from 'ssh2'
import { enableCertificates } from './certificate-sign-in.ts'
import { describeHostKey, type HostKey } from './host-key.ts'
import type { SshAuthentication } from './ssh-authentication.ts'
import {
  type SshPlace,
  toAuthFailedError,
  toConnectionLostError,
  toNoAlgorithmError,
  toUnreachableError,
} from './ssh-failure.ts'
import type { SshTimeouts } from './ssh-session.ts'
import { ssh2 } from './ssh2.ts'

export interface ConnectionRequest {
  place: SshPlace
  /** The resolved addresses: one of them is connected to. */
  addresses: readonly string[]
  /** The accepted algorithms of host keys, best first. */
  hostKeyAlgorithms: readonly string[]
  /** Decides whether to continue with a host that shows this key. Called before the host has proved that it holds it. */
  isAcceptable: (key: HostKey) => boolean
  authentication: (key: () => HostKey) => SshAuthentication
  timeouts: SshTimeouts
  signal: AbortSignal
}

export type Connection =
  | { outcome: 'ready'; client: Client; hostKey: HostKey }
  | { outcome: 'key-refused'; hostKey: HostKey }
  /** The host has no key of the requested types. */
  | { outcome: 'no-such-key' }

/**
 * Makes one attempt to connect and sign in; the client of a `ready` connection belongs to the caller. Throws
 * `ssh.unreachable`, `ssh.no_algorithm`, `ssh.auth_failed`, `ssh.connection_lost`, what the authentication was refused
 * with, or the signal's reason.
 */
export async function openConnection(request: ConnectionRequest): Promise<Connection> {
  const { place, signal, timeouts } = request
  signal.throwIfAborted()
  const socket = await openSocket(request, timeouts.connectMs, signal)
  const client = new ssh2.Client()
  let seen: HostKey | undefined
  let isRefused = false
  const authentication = request.authentication(() => seen ?? { fingerprint: 'none', algorithm: 'none' })
  const attempt = Promise.withResolvers<Connection>()
  let isHandshaken = false
  let greeting = ''

  client.on('ready', () => {
    if (seen) attempt.resolve({ outcome: 'ready', client, hostKey: seen })
  })
  client.on('handshake', () => {
    isHandshaken = true
  })
  // Also keeps a later connection error from ending the process: pending calls fail on the close event.
  client.on('error', (error: Error & { level?: string }) => {
    if (isRefused && seen) attempt.resolve({ outcome: 'key-refused', hostKey: seen })
    else if (/no matching host key/i.test(error.message)) attempt.resolve({ outcome: 'no-such-key' })
    else if (authentication.refusal !== undefined) attempt.reject(authentication.refusal)
    else if (error.level === 'client-authentication') attempt.reject(toAuthFailedError(place, authentication))
    else if (isDisconnect(error) && authentication.hasTried) {
      authentication.record(error.message)
      attempt.reject(toAuthFailedError(place, authentication))
    } else if (isHandshaken) attempt.reject(toConnectionLostError(place, 'signing in', error))
    else
      attempt.reject(toNoAlgorithmError(place, error.message) ?? toUnreachableError(place, error, greeting))
  })
  client.on('close', () => {
    if (isHandshaken && authentication.hasTried) attempt.reject(toAuthFailedError(place, authentication))
    else
      attempt.reject(
        toUnreachableError(place, new Error('the connection was closed during the handshake'), greeting),
      )
  })
  client.on('banner', (text) => authentication.record(text))
  client.on('change password', (prompt) => {
    authentication.record(prompt || 'The password has expired and must be changed.')
    attempt.reject(toAuthFailedError(place, authentication))
  })
  authentication.onUnanswerable = () => attempt.reject(toAuthFailedError(place, authentication))

  const onAbort = () => attempt.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    client.connect({
      sock: socket,
      username: place.user,
      readyTimeout: timeouts.handshakeMs,
      keepaliveInterval: timeouts.keepaliveMs,
      keepaliveCountMax: 3,
      algorithms: { serverHostKey: [...request.hostKeyAlgorithms] as ServerHostKeyAlgorithm[] },
      // Also called at every rekeying, where the key must still be the accepted one.
      hostVerifier: (blob: Buffer) => {
        const key = describeHostKey(blob)
        const isSame = seen === undefined ? request.isAcceptable(key) : seen.fingerprint === key.fingerprint
        seen ??= key
        isRefused = !isSame
        return isSame
      },
      authHandler: authentication.handler,
    })
    socket.once('data', (first: Buffer) => {
      greeting = first.toString('latin1', 0, 200)
    })
    enableCertificates(client)
    const connection = await attempt.promise
    if (connection.outcome !== 'ready') await end(client, socket)
    return connection
  } catch (error) {
    await end(client, socket)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Tells a disconnect message of the host, whose code is SSH's number. */
const isDisconnect = (error: Error) => typeof (error as { code?: unknown }).code === 'number'

async function end(client: Client, socket: Socket): Promise<void> {
  client.destroy()
  if (socket.closed) return
  const closed = once(socket, 'close')
  socket.destroy()
  await closed
}

async function openSocket(
  { place, addresses }: Pick<ConnectionRequest, 'place' | 'addresses'>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const socket = connectTcp({
    host: place.address,
    port: place.port,
    noDelay: true,
    keepAlive: true,
    // The name is not resolved again, because a second answer might differ.
    lookup: (_host, { all }, done) => {
      const found = addresses.map((address) => ({ address, family: isIP(address) }))
      const [first = { address: '', family: 0 }] = found
      if (all) done(null, found)
      else done(null, first.address, first.family)
    },
  })
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, timeout]) })
    return socket
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    if (timeout.aborted)
      throw toUnreachableError(place, Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }))
    throw toUnreachableError(place, error)
  }
}
