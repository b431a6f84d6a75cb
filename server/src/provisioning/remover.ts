import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { AgentOwner } from './domain/machine.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { stagingPlaces } from './domain/staging-place.ts'
import { HostLog } from './host-log.ts'
import { lookAtHost } from './host-look.ts'
import { hostScript } from './host-scripts.ts'
import { withSession } from './host-session.ts'
import type { ProvisioningPorts, SshHost } from './install-ports.ts'
import { wipeStaging } from './staging.ts'

const REMOVE_TIMEOUT_MS = 180_000

export interface RemovePorts extends ProvisioningPorts {
  /** Whose the agent on a machine is. */
  ownerOf(report: PreflightReport): Promise<AgentOwner>
}

/**
 * Removes the agent, unless it is another host's or another server's, and everything that installing it put on the host, ends commands that it still runs, and says in the
 * log what was removed. Safe to repeat, also on a host where little or nothing is left.
 *
 * A shell script does it and no playbook: it must work on a host whose Python, disk or tools are the reason why the agent
 * goes, and needs nothing to be uploaded first.
 * @throws RollcallError: `ssh.*`, `host.no_sudo`, `host.sudo_password_wrong`, `install.playbook_failed` naming what could not be removed.
 */
export async function remove(target: SshHost, ports: RemovePorts, signal: AbortSignal): Promise<void> {
  const log = new HostLog(ports.log)
  await withSession(target, ports, log, signal, async (session) => {
    await session.ensureRoot()
    const { report } = await lookAtHost(session, signal)
    const owner = await ports.ownerOf(report)
    if (owner === 'stranger' || typeof owner === 'object') {
      const whose = owner === 'stranger' ? 'another Rollcall server' : 'another host of the fleet'
      await log.line(`The agent on this machine belongs to ${whose}: it stays, and nothing was removed`)
      return
    }
    let lastErrors = ''
    const { exitCode } = await session.exec(['sh', '-s'], {
      stdin: await hostScript('remove.sh'),
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
        `Not everything could be removed: ${sanitizeText(lastErrors.trim().replace(/\s+/g, ' '), 900) || `the script exited with ${exitCode}`}. See the log, mend that on the host and remove it again.`,
      )
    await log.line('Nothing of Rollcall is left on this host')
  })
}
