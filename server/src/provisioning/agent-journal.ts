import { HostLog } from './host-log.ts'
import { withSession } from './host-session.ts'
import type { ProvisioningPorts, SshHost } from './install-ports.ts'

const ARGV = [
  'journalctl',
  '--unit=rollcall-agent.service',
  '--unit=rollcall-runner.service',
  '--lines=50',
  '--no-pager',
  '--output=short-iso',
]

/**
 * Writes the last fifty lines of the agent's journal to `ports.log`, for an agent that does not respond. Throws
 * `ssh.*`, `host.no_sudo` or `host.sudo_password_wrong`.
 */
export async function logAgentJournal(
  target: SshHost,
  ports: ProvisioningPorts,
  signal: AbortSignal,
): Promise<void> {
  const log = new HostLog(ports.log)
  await withSession(target, ports, log, signal, async (session) => {
    await log.line("The last lines of the agent's log:")
    await session.exec(ARGV, { becomeRoot: true, signal, timeoutMs: 30_000, onOutput: log.output })
  })
}
