import { RollcallError } from '@rollcall/contracts'
import { agentConfig, ansibleJob, type SignedRelease } from '@rollcall/contracts/agent'
import { PLAYBOOKS_FOLDER, readTools, type Tools } from '../platform/archives/host-tools.ts'
import type { SshSession } from '../platform/ssh/index.ts'
import {
  type AgentArchitecture,
  decidePreflight,
  isPortTaken,
  needsOtherPort,
  type PreflightCheck,
  TYPICAL_UPLOAD_BYTES,
  toArchitecture,
} from './domain/preflight-decision.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { chooseStaging } from './domain/staging-place.ts'
import { type HostInspection, inspectHost } from './host-inspection.ts'
import { HostLog, withSession } from './host-session.ts'
import type { AgentPackage, InstallPorts, InstallResult, InstallTarget } from './install-ports.ts'
import { runPlaybook } from './playbook-run.ts'
import { makeStaging, removeStaging, type Staging } from './staging.ts'

const MAX_PORT_CHANGES = 5
const CLEANUP_TIMEOUT_MS = 20_000

/**
 * Installs or updates the agent on a host. Nothing is changed before all requirements are met; a repeated run completes
 * an interrupted one. Aborting `signal` also ends the playbook on the host. Throws `ssh.*`, `host.*`,
 * `install.playbook_failed`, `install.agent_silent`, or what a port threw.
 */
export async function install(
  target: InstallTarget,
  ports: InstallPorts,
  signal: AbortSignal,
): Promise<InstallResult> {
  const log = new HostLog(ports.log)
  return withSession(target, ports, log, signal, async (session) => {
    const tools = await readTools(await ports.ansibleBundle(), PLAYBOOKS_FOLDER)
    const { report, architecture, archive, rpcPort } = await preflight(session, target, ports, log, signal)
    const own = await makeStaging(session, chooseStaging(report, TYPICAL_UPLOAD_BYTES).path, signal)
    const staging = own.path
    try {
      const plan = {
        staging,
        archive,
        tools,
        rpcPort,
        hasTools: report.tools === tools.version,
        release: toReleaseName(archive),
        signed: await ports.signRelease(archive, architecture),
      }
      await upload(
        session,
        target,
        { ...plan, hasRelease: report.releases?.has(plan.release) === true },
        log,
        signal,
      )
      await log.line('Running install_agent.yml on the host')
      const result = await runPlaybook(session, {
        staging,
        toolsVersion: tools.version,
        owner: target.owner,
        foundOwner: report.agent_owner && `${report.agent_owner.fleetId}/${report.agent_owner.hostId}`,
        log,
        signal,
      })
      await log.line(
        `The agent ${archive.version} listens on port ${rpcPort}; ${result.changed} tasks changed something`,
      )
      return { architecture, agentVersion: archive.version, rpcPort, changedTasks: result.changed }
    } finally {
      await cleanUp(session, own, log)
    }
  })
}

interface Preflight {
  report: PreflightReport
  architecture: AgentArchitecture
  archive: AgentPackage
  rpcPort: number
}

async function preflight(
  session: SshSession,
  target: InstallTarget,
  ports: InstallPorts,
  log: HostLog,
  signal: AbortSignal,
): Promise<Preflight> {
  await log.line('Checking the host; nothing is changed yet')
  const { report, rootRefusal } = await inspectHost(session, signal)
  const architecture = toArchitecture(report)
  const needs = { uploadBytes: TYPICAL_UPLOAD_BYTES, rootRefusal }
  let rpcPort = target.identity.rpcPort
  let checks = decidePreflight(report, { ...needs, rpcPort })
  const isOnlyThePort = checks.every(({ ok, code }) => ok || code === 'host.port_taken')
  if (isOnlyThePort && ports.firstInstall && needsOtherPort(report, rpcPort, ports.isPortGiven)) {
    rpcPort = await chooseOtherPort(report, rpcPort, ports, log)
    checks = decidePreflight(report, { ...needs, rpcPort })
  }
  checks = [...checks, ...(await ports.checkMachine(report, session.hostKey.fingerprint))]
  await log.line(`${report.os || 'Unknown system'}, kernel ${report.kernel}`)
  for (const check of checks)
    await log.line(`  ${check.ok ? 'ok  ' : 'FAIL'}  ${check.name}: ${check.message}`)
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length > 0 || !architecture) throw toPreflightError(failed)
  return { report, architecture, archive: await ports.agentArchive(architecture), rpcPort }
}

async function chooseOtherPort(
  report: HostInspection['report'],
  first: number,
  ports: InstallPorts,
  log: HostLog,
): Promise<number> {
  const taken = new Set([...report.listening, first])
  let port = first
  for (let change = 0; change < MAX_PORT_CHANGES; change++) {
    const why = isPortTaken(report, port) ? 'is in use' : 'may be used by an outgoing connection'
    await log.line(`Port ${port} ${why} on this host; choosing another`)
    port = await ports.changePort(taken, report.ephemeral)
    if (!isPortTaken(report, port)) return port
    taken.add(port)
  }
  throw new RollcallError(
    'host.no_free_port',
    `None of ${MAX_PORT_CHANGES} ports that were tried is free on this host. List the listening ports with "ss -ltn".`,
  )
}

/** Combines all failed checks into one error with the code of the first. */
export function toPreflightError(failed: readonly PreflightCheck[]): RollcallError {
  const [first] = failed
  const code = first?.code ?? 'host.preflight_unreadable'
  const list = failed.map(
    ({ name, message, code: own }) => `${name}: ${message}${failed.length > 1 ? ` (${own})` : ''}`,
  )
  const lead = failed.length > 1 ? `The host fails ${failed.length} checks; nothing was changed on it. ` : ''
  return new RollcallError(code, `${lead}${list.join(' ')}`)
}

interface UploadPlan {
  staging: string
  archive: AgentPackage
  tools: Tools
  rpcPort: number
  release: string
  signed: SignedRelease
  hasTools: boolean
  hasRelease: boolean
}

/**
 * Returns the folder name of a release. It depends on the content, so no other content can replace it under a running
 * command.
 */
export const toReleaseName = ({ version, sha256 }: AgentPackage): string =>
  `${version.replace(/[^A-Za-z0-9.+_-]/g, '_')}-${sha256.slice(0, 12)}`

async function upload(
  session: SshSession,
  target: InstallTarget,
  plan: UploadPlan,
  log: HostLog,
  signal: AbortSignal,
): Promise<void> {
  const { staging, archive, tools, release } = plan
  const put = async (name: string, source: string | Buffer, what?: string) => {
    const progress = what === undefined ? undefined : log.progress(what)
    const sent = await session.putFile(source, `${staging}/${name}`, {
      mode: 0o600,
      signal,
      ...(progress && { onProgress: progress.onProgress }),
    })
    if (sent.by === 'shell') await log.writeOnce(`  over a shell instead of SFTP: ${sent.why}`)
    await progress?.settled()
  }
  await log.line(`Uploading to ${staging}`)
  if (plan.hasRelease) await log.line(`  agent ${archive.version}: already installed`)
  else await put('agent.tar.gz', archive.path, `agent ${archive.version}`)
  if (plan.hasTools) await log.line('  tools: already installed')
  else await put('tools.tar.gz', await tools.archive(), 'tools')
  const variables = {
    rollcall_agent_staging: staging,
    rollcall_agent_release: release,
    rollcall_agent_archive_sha256: archive.sha256,
    rollcall_agent_version: archive.version,
    rollcall_agent_signature: plan.signed.signature,
    rollcall_agent_keyring: plan.signed.keyring,
    rollcall_agent_rpc_port: plan.rpcPort,
    rollcall_agent_restart: target.isSilent,
    rollcall_agent_has_callers: Boolean(target.callersUnit),
    ...(!plan.hasRelease && { rollcall_agent_archive: `${staging}/agent.tar.gz` }),
  }
  const { identity, serverPins } = target
  const config = agentConfig.parse({
    agent_token: identity.token,
    secret_key: identity.secretKey,
    rpc_port: plan.rpcPort,
    rpc_path: identity.rpcPath,
    server_pins: serverPins,
    require_signatures: true,
  })
  const files: [string, string | Buffer][] = [
    ['job.json', JSON.stringify(ansibleJob.parse({ playbook: 'install_agent.yml', extra_vars: variables }))],
    ['config.json', `${JSON.stringify(config, null, 2)}\n`],
    ['agent.crt', identity.certificatePem],
    ['agent.key', identity.privateKeyPem],
    ...(target.callersUnit ? [['callers.conf', target.callersUnit] as [string, string]] : []),
  ]
  await Promise.all(files.map(([name, content]) => put(name, Buffer.from(content))))
}

/** Cleans up after a success, cancellation or failure; what it cannot remove, the next run removes. */
async function cleanUp(session: SshSession, staging: Staging, log: HostLog): Promise<void> {
  try {
    await removeStaging(session, staging, AbortSignal.timeout(CLEANUP_TIMEOUT_MS))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await log.line(`Failed to remove the folder ${staging.path}; the next installation removes it. (${why})`)
  }
}
