import { connectSsh, type SshSession } from '../platform/ssh/index.ts'
import type { HostLog } from './host-log.ts'
import type { ProvisioningPorts, SshHost } from './install-ports.ts'

/**
 * Connects to a host and works there. Aborting `signal` ends the connecting at once, but not the session: the work
 * itself must stop by it, and may still clean up behind it.
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
        await log.line(`Trusting the host key ${fingerprint} (${algorithm}), seen for the first time`)
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
