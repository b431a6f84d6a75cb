import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { stagingOf } from './domain/staging-place.ts'
import { HostLog } from './host-log.ts'
import { lookAtHost } from './host-look.ts'
import { hostScript } from './host-scripts.ts'
import { withSession } from './host-session.ts'
import type { ProvisioningPorts, SshHost } from './install-ports.ts'
import { wipeStaging } from './staging.ts'

const REMOVE_TIMEOUT_MS = 180_000

/**
 * Removes the agent and everything that installing it put on the host, ends commands that it still runs, and says in the
 * log what was removed. Safe to repeat, also on a host where little or nothing is left.
 *
 * A shell script does it and no playbook: it must work on a host whose Python, disk or tools are the reason why the agent
 * goes, and needs nothing to be uploaded first.
 * @throws RollcallError: `ssh.*`, `host.no_sudo`, `host.sudo_password_wrong`, `install.playbook_failed` naming what could not be removed.
 */
export async function remove(target: SshHost, ports: ProvisioningPorts, signal: AbortSignal): Promise<void> {
  const log = new HostLog(ports.log)
  await withSession(target, ports, log, signal, async (session) => {
    await session.ensureRoot()
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
    const { report } = await lookAtHost(session, signal)
    await wipeStaging(session, stagingOf(report).path, signal)
    if (exitCode !== 0)
      throw new RollcallError(
        'install.playbook_failed',
        `Not everything could be removed: ${sanitizeText(lastErrors.trim().replace(/\s+/g, ' '), 900) || `the script exited with ${exitCode}`}. See the log, mend that on the host and remove it again.`,
      )
    await log.line('Nothing of Rollcall is left on this host')
  })
}
