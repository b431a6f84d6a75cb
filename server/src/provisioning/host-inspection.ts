import { RollcallError } from '@rollcall/contracts'
import type { HostChecked, HostCheckRequest } from '@rollcall/contracts/admin'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { connectSsh, type SshSession } from '../platform/ssh/index.ts'
import {
  decidePreflight,
  type PreflightCheck,
  type PreflightNeeds,
  TYPICAL_UPLOAD_BYTES,
} from './domain/preflight-decision.ts'
import { MAX_REPORT_BYTES, type PreflightReport, parsePreflight } from './domain/preflight-report.ts'
import { readHostScript } from './host-session.ts'

export interface HostInspection {
  report: PreflightReport
  rootRefusal: PreflightNeeds['rootRefusal']
}

/**
 * Inspects a host without changing it, as root if possible; a refusal to become root is part of the result. Throws
 * `host.preflight_unreadable` or `ssh.connection_lost`.
 */
export async function inspectHost(session: SshSession, signal: AbortSignal): Promise<HostInspection> {
  const script = await readHostScript('preflight.sh')
  const own = await run(session, ['sh', '-s'], script, false, signal)
  if (own.is_root) return { report: own, rootRefusal: null }
  try {
    await session.ensureRoot()
  } catch (error) {
    const isRefusal = error instanceof RollcallError && error.code.startsWith('host.')
    if (!isRefusal) throw error
    return { report: own, rootRefusal: { code: error.code, message: error.message } }
  }
  const root = await run(session, ['sh', '-s', '--', own.home ?? ''], script, true, signal)
  // The sign-in and its home folder belong to the user, not to root.
  const { uid, user, home, home_id, disk_home } = own
  return { report: { ...root, uid, user, home, home_id, disk_home }, rootRefusal: null }
}

async function run(
  session: SshSession,
  argv: readonly string[],
  stdin: Buffer,
  becomeRoot: boolean,
  signal: AbortSignal,
): Promise<PreflightReport> {
  let output = ''
  const onOutput = (stream: string, data: Buffer) => {
    if (stream === 'stdout' && output.length <= MAX_REPORT_BYTES) output += data.toString('utf8')
  }
  await session.exec(argv, { stdin, onOutput, becomeRoot, signal, timeoutMs: 60_000 })
  return parsePreflight(output)
}

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
