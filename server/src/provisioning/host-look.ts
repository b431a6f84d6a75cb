import { RollcallError } from '@rollcall/contracts'
import type { SshSession } from '../platform/ssh/index.ts'
import type { PreflightNeeds } from './domain/preflight-decision.ts'
import { MAX_REPORT_BYTES, type PreflightReport, parsePreflight } from './domain/preflight-report.ts'
import { hostScript } from './host-scripts.ts'

export interface HostLook {
  report: PreflightReport
  rootRefusal: PreflightNeeds['rootRefusal']
}

/**
 * Looks at a host without changing anything on it: as root where we can be, and otherwise as the user, so that not being
 * allowed to is one finding among others.
 * @throws `host.preflight_unreadable`, `ssh.connection_lost`
 */
export async function lookAtHost(session: SshSession, signal: AbortSignal): Promise<HostLook> {
  const script = await hostScript('preflight.sh')
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
  // Who signs in, and where their files may lie, is a matter of the user and not of root.
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
