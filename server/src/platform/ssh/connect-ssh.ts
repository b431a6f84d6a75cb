import { RollcallError } from '@rollcall/contracts'
import { OutgoingAddresses } from '../network/outgoing-addresses.ts'
import { ALL_HOST_KEY_ALGORITHMS, type HostKey, otherFamilies } from './host-key.ts'
import { promisifyCall } from './promisify-call.ts'
import { SshAuthentication } from './ssh-authentication.ts'
import { type Connection, type ConnectionRequest, openConnection } from './ssh-connection.ts'
import { readCredential } from './ssh-credential.ts'
import { noSuchAlgorithm, type SshPlace, toKeyChangedError, toUnreachableError } from './ssh-failure.ts'
import { type ConnectOptions, DEFAULT_SSH_TIMEOUTS, type SshSession } from './ssh-session.ts'
import { Ssh2Session } from './ssh2-session.ts'

/**
 * Connects and signs in; no credential is sent unless the host key is the pinned one. If another key is presented, the
 * other key types are requested in up to two more connections, because the pinned key may no longer be the preferred
 * type. Throws `ssh.key_unreadable`, `ssh.unreachable`, `ssh.no_algorithm`, `host.key_changed`, `ssh.auth_failed`,
 * `ssh.connection_lost`, what `onHostKey` threw, or the signal's reason.
 */
export async function connectSsh(options: ConnectOptions): Promise<SshSession> {
  const { address, port, user, pinnedHostKey, signal } = options
  const credential = await readCredential(options.credential, new Date())
  const place: SshPlace = { address, port, user }
  const reached = await resolveAddresses(place, signal, options.outgoing)
  const request: Omit<ConnectionRequest, 'hostKeyAlgorithms'> = {
    place,
    addresses: reached,
    isAcceptable: (key) => pinnedHostKey === null || key.fingerprint === pinnedHostKey,
    authentication: (key) =>
      new SshAuthentication(user, credential, async () => {
        if (pinnedHostKey === null) await options.onHostKey(key().fingerprint, key().algorithm)
      }),
    timeouts: { ...DEFAULT_SSH_TIMEOUTS, ...options.timeouts },
    signal,
  }
  const first = await openConnection({ ...request, hostKeyAlgorithms: ALL_HOST_KEY_ALGORITHMS })
  const connection = first.outcome === 'key-refused' ? await tryOtherKeys(first.hostKey, request) : first
  if (connection.outcome === 'key-refused')
    throw toKeyChangedError(place, pinnedHostKey ?? '', connection.hostKey)
  if (connection.outcome === 'no-such-key') throw noUsableKey(place)
  return new Ssh2Session({
    place,
    client: connection.client,
    hostKey: connection.hostKey,
    sudoPassword: options.sudoPassword ?? credential.password,
    signal,
  })
}

async function tryOtherKeys(
  shown: HostKey,
  request: Omit<ConnectionRequest, 'hostKeyAlgorithms'>,
): Promise<Connection> {
  for (const hostKeyAlgorithms of otherFamilies(shown.algorithm)) {
    const connection = await openConnection({ ...request, hostKeyAlgorithms })
    if (connection.outcome === 'ready') return connection
  }
  return { outcome: 'key-refused', hostKey: shown }
}

/** Resolves the address once for all attempts. */
async function resolveAddresses(
  place: SshPlace,
  signal: AbortSignal,
  outgoing = new OutgoingAddresses(),
): Promise<string[]> {
  try {
    return await promisifyCall<string[]>(signal, (done) => {
      outgoing.resolve(place.address).then((found) => done(null, found), done)
    })
  } catch (error) {
    if (signal.aborted || error instanceof RollcallError) throw error
    throw toUnreachableError(place, error)
  }
}

const noUsableKey = (place: SshPlace) => noSuchAlgorithm(place, 'host key')

/**
 * Returns the host key that a host presents first, for a user to verify, without signing in. Throws `ssh.unreachable`,
 * `ssh.no_algorithm`, or the signal's reason.
 */
export async function scanHostKey(
  address: string,
  port: number,
  signal: AbortSignal,
  outgoing?: OutgoingAddresses,
): Promise<HostKey> {
  const place: SshPlace = { address, port, user: '' }
  const proved = new RollcallError('server.defect', 'A host key scan continued to the sign-in.')
  let shown: HostKey | undefined
  try {
    const connection = await openConnection({
      place,
      addresses: await resolveAddresses(place, signal, outgoing),
      hostKeyAlgorithms: ALL_HOST_KEY_ALGORITHMS,
      isAcceptable: () => true,
      authentication: (key) =>
        new SshAuthentication('', {}, async () => {
          shown = key()
          throw proved
        }),
      timeouts: DEFAULT_SSH_TIMEOUTS,
      signal,
    })
    if (connection.outcome === 'no-such-key') throw noUsableKey(place)
    throw proved
  } catch (error) {
    if (error === proved && shown) return shown
    throw error
  }
}
