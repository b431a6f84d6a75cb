import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { SshTarget } from '../platform/ssh/index.ts'
import type { AgentOwner } from './domain/machine.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { stagingPlaces } from './domain/staging-place.ts'
import { inspectHost } from './host-inspection.ts'
import { HostLog, readHostScript, withSession } from './host-session.ts'
import type { ProvisioningPorts } from './install-ports.ts'
import { wipeStaging } from './staging.ts'

const REMOVE_TIMEOUT_MS = 180_000

export interface RemovePorts extends ProvisioningPorts {
  /** Returns the owner of the agent on the machine. */
  findOwner(report: PreflightReport): Promise<AgentOwner>
}

/**
 * Removes the agent with everything that installing it created, unless it belongs to another host or server, and logs
 * what was removed. A shell script does this without uploads, because Python, disk or tools may be broken; it is safe
 * to repeat. Throws `ssh.*`, `host.no_sudo`, `host.sudo_password_wrong`, or `install.playbook_failed` naming what
 * remains.
 */
export async function remove(target: SshTarget, ports: RemovePorts, signal: AbortSignal): Promise<void> {
  const log = new HostLog(ports.log)
  await withSession(target, ports, log, signal, async (session) => {
    await session.ensureRoot()
    const { report } = await inspectHost(session, signal)
    const owner = await ports.findOwner(report)
    if (owner === 'stranger' || typeof owner === 'object') {
      const whose = owner === 'stranger' ? 'another Rollcall server' : 'another host of the fleet'
      await log.line(`The agent on this machine belongs to ${whose}; nothing was removed`)
      return
    }
    let lastErrors = ''
    const { exitCode } = await session.exec(['sh', '-s'], {
      stdin: await readHostScript('remove.sh'),
      becomeRoot: true,
      signal,
      timeoutMs: REMOVE_TIMEOUT_MS,
      onOutput: (stream, data) => {
        if (stream === 'stderr') lastErrors = (lastErrors + data.toString('utf8')).slice(-1000)
        return log.output(stream, data)
      },
    })
    for (const { path } of stagingPlaces(report)) await wipeStaging(session, path, signal)
    if (exitCode !== 0)
      throw new RollcallError(
        'install.playbook_failed',
        `Failed to remove everything: ${sanitizeText(lastErrors.trim().replace(/\s+/g, ' '), 900) || `the script exited with ${exitCode}`}. See the log, fix the cause on the host and remove it again.`,
      )
    await log.line('Rollcall was removed from this host')
  })
}
