import { connectSsh, type SshSession } from '../platform/ssh/index.ts'
import type { HostLog } from './host-log.ts'
import type { ProvisioningPorts, SshHost } from './install-ports.ts'

/**
 * Connects to a host and runs `work`. Aborting `signal` cancels the connection attempt but not the session, so that the
 * work can stop and clean up.
 */
export async function withSession<T>(
  host: SshHost,
  ports: Pick<ProvisioningPorts, 'onHostKey'>,
  log: HostLog,
  signal: AbortSignal,
  work: (session: SshSession) => Promise<T>,
): Promise<T> {
  await log.line(`Connecting to ${host.user}@${host.address} port ${host.port} over SSH`)
  const lifetime = new AbortController()
  const onAbort = () => lifetime.abort(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  let session: SshSession
  try {
    session = await connectSsh({
      ...host,
      signal: lifetime.signal,
      onHostKey: async (fingerprint, algorithm) => {
        await log.line(`Trusting the host key ${fingerprint} (${algorithm}) on first use`)
        await ports.onHostKey(fingerprint, algorithm)
      },
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
