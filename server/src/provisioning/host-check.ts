import { RollcallError } from '@rollcall/contracts'
import type { HostChecked, HostCheckRequest } from '@rollcall/contracts/admin'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { connectSsh } from '../platform/ssh/index.ts'
import { decidePreflight, type PreflightCheck } from './domain/preflight-decision.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { inspectHost } from './host-look.ts'
import { TYPICAL_UPLOAD_BYTES } from './installer.ts'

/** An unused port: the agent's port is chosen only when the host is added. */
const NO_PORT = 0

/**
 * Checks whether an agent can be installed on a host, without changing it. Throws `ssh.*` if the sign-in fails, and
 * `host.key_changed` if the host presents another key than the expected one.
 */
export async function checkHost(
  request: Omit<HostCheckRequest, 'allowDuplicate' | 'takeOver'>,
  outgoing: OutgoingAddresses,
  signal: AbortSignal,
  checkMachine: (report: PreflightReport, hostKey: string) => Promise<PreflightCheck[]>,
): Promise<HostChecked> {
  const { hostKey, ...host } = request
  const session = await connectSsh({
    ...host,
    outgoing,
    pinnedHostKey: hostKey,
    signal,
    onHostKey: async () => {
      throw new RollcallError(
        'host.key_changed',
        'The host presents another SSH key than the one you confirmed.',
      )
    },
  })
  try {
    const { report, rootRefusal } = await inspectHost(session, signal)
    const needs = { rpcPort: NO_PORT, uploadBytes: TYPICAL_UPLOAD_BYTES, rootRefusal }
    const checks = [
      ...decidePreflight(report, needs).filter(({ name }) => name !== 'port'),
      ...(await checkMachine(report, session.hostKey.fingerprint)),
    ]
    return { os: report.os, kernel: report.kernel, isReady: checks.every(({ ok }) => ok), checks }
  } finally {
    await session.close()
  }
}
