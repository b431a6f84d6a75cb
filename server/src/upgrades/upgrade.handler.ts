import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { SignedRelease } from '@rollcall/contracts/agent'
import { ansibleJob } from '@rollcall/contracts/agent'
import { AgentsRepository, AgentsService } from '../agents/index.ts'
import { Artifacts, type ReleaseArchive, ReleaseKeys } from '../artifacts/index.ts'
import { memoryBlob } from '../blobs/index.ts'
import {
  type CommandHandler,
  type CommandLease,
  CommandWorker,
  type DriveOutcome,
  type LeasedCommand,
  OutputWriter,
  stepIdOf,
} from '../commands/index.ts'
import { AgentFiles } from '../files/index.ts'
import { HeartbeatsService } from '../heartbeats/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { toCallersUnit } from '../platform/config/agent-callers.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { CONFIG } from '../platform/tokens.ts'
import { ProvisioningHandler, toReleaseName } from '../provisioning/index.ts'
import { ToolsService } from '../tools/index.ts'
import { endingOf, type HostOutcome, toOutcome } from './domain/host-outcome.ts'
import { HostSteps } from './host-steps.ts'

const LOOK_INTERVAL_MS = 300
const REPORT_INTERVAL_MS = 1000

/** One host's part of an upgrade, while this server holds it. */
interface Part {
  id: string
  hostId: string
  release: ReleaseArchive
  signed: SignedRelease
  log: OutputWriter
  signal: AbortSignal
  steps: HostSteps
  /** True where no server has started on it before. */
  isFresh: boolean
  /** True once the host may have changed: from then on an error leaves its state unknown. */
  isBegun: boolean
}

/**
 * Upgrades the agent of one host through that agent, or over SSH where it does not answer. The host's own report is the result, so a server
 * that takes over asks for it first, and does nothing twice.
 */
@Injectable()
export class UpgradeHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly hosts: HostsRepository,
    private readonly agentsRepository: AgentsRepository,
    private readonly agents: AgentsService,
    private readonly heartbeats: HeartbeatsService,
    private readonly files: AgentFiles,
    private readonly tools: ToolsService,
    private readonly artifacts: Artifacts,
    private readonly releaseKeys: ReleaseKeys,
    private readonly provisioning: ProvisioningHandler,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.worker.register('upgrade', this)
  }

  async drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome> {
    const log = new OutputWriter(lease)
    const signal = AbortSignal.any([lease.stopped, AbortSignal.timeout(command.timeoutMs)])
    await lease.report({ kind: 'running' })
    const outcome = await this.outcome(command, lease, log, signal)
    if (outcome.state === 'upgraded')
      await this.agentsRepository.markVersion(command.hostId, command.args[0] ?? '')
    await log.line(outcome.state === 'upgraded' ? 'The new agent is confirmed.' : reasonOf(outcome))
    await log.flush()
    return { do: 'end', ending: endingOf(outcome) }
  }

  afterEnd(command: LeasedCommand): void {
    this.heartbeats.requestNow(command.hostId)
  }

  private async outcome(
    command: LeasedCommand,
    lease: CommandLease,
    log: OutputWriter,
    signal: AbortSignal,
  ): Promise<HostOutcome> {
    const isFresh = command.outputBytes === 0
    const { id, hostId } = command
    const steps = new HostSteps(this.agents, this.clock, { id, hostId }, signal)
    const part = { id, hostId, log, signal, steps, isFresh, isBegun: false }
    try {
      if (!isFresh) await log.line('The server was restarted in the middle: going on.')
      const host = await this.hosts.find(command.hostId)
      const architecture = host?.agent?.architecture === 'arm64' ? 'arm64' : 'x64'
      const release = await this.artifacts.release(command.args[0] ?? '', architecture)
      const signed = await this.releaseKeys.sign({ ...release, architecture })
      return await this.upgrade(Object.assign(part, { release, signed }), lease)
    } catch (error) {
      lease.stopped.throwIfAborted()
      await log.flush() // throws what the database said, if it was the database that failed
      if (signal.aborted)
        return {
          state: 'stranded',
          reason: 'It took too long, and its state is unknown. Look at the host.',
        }
      const isOurs = !(error instanceof RollcallError)
      if (isOurs) this.log.error({ err: error, commandId: command.id }, 'an upgrade failed by our fault')
      const why = isOurs ? 'The server failed by its own fault; its log says more.' : error.message
      if (part.isBegun)
        return { state: 'stranded', reason: `The state of the upgrade on the host is unknown: ${why}` }
      if (!isOurs)
        return { state: 'refused', reason: `Nothing was changed: ${error.message}`, code: error.code }
      return { state: 'refused', reason: why }
    }
  }

  private async upgrade(part: Part, lease: CommandLease): Promise<HostOutcome> {
    const { log, signal, steps, release } = part
    const old = await steps.version().catch((error) => {
      signal.throwIfAborted()
      if (error instanceof RollcallError && error.kind === 'unavailable') return null
      throw error
    })
    // A host in the middle of its switch is silent for a moment: only one that was not begun on goes over SSH at once.
    if (old === null && part.isFresh) return this.overSsh(part, 'The agent does not answer.')
    try {
      const before = toOutcome(await steps.report())
      part.isBegun = before === null
      if (before !== null && before.state !== 'refused') return before
      if (!part.isBegun) {
        if (lease.cancelled.aborted) return { state: 'cancelled' }
        if (old === release.version) {
          await log.line(`The agent is ${release.version} already.`)
          return { state: 'upgraded' }
        }
        await this.begin(part, old)
      }
      return await this.waitForCompletion(part, old)
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'upgrade.stranded') throw error
      return this.overSsh(part, error.message)
    }
  }

  private async begin(part: Part, old: string | null): Promise<void> {
    const { hostId, id, release, signed, log, signal } = part
    await log.line(`From ${old ?? 'an unknown release'} to ${release.version}`)
    const { path: tools, isNew } = await this.tools.ensure(hostId, signal)
    await log.line(isNew ? 'The tools are sent.' : 'The tools are there already.')
    const staging = `/var/lib/rollcall-upgrade/${id}`
    const archive = `${staging}/agent.tar.gz`
    const place = { mode: 0o600, owner: 'root:root', makeParents: true }
    const source = { path: release.path }
    await this.files.upload(
      hostId,
      { ...place, source, destination: archive, transferId: stepIdOf(id, 'archive') },
      signal,
    )
    await log.line('The release is on the host.')
    const extra_vars = {
      rollcall_upgrade_id: id,
      rollcall_upgrade_release: toReleaseName(release),
      rollcall_upgrade_version: release.version,
      rollcall_upgrade_archive: archive,
      rollcall_upgrade_archive_sha256: release.sha256,
      rollcall_upgrade_signature: signed.signature,
      rollcall_upgrade_keyring: signed.keyring,
      rollcall_upgrade_keyring_signatures: signed.keyringSignatures,
      rollcall_upgrade_callers: toCallersUnit(this.config.agentCallers),
    }
    const job = ansibleJob.parse({ playbook: 'upgrade_agent.yml', extra_vars })
    const blob = await memoryBlob(Buffer.from(JSON.stringify(job)))
    await this.files.upload(
      hostId,
      {
        ...place,
        source: { blob },
        destination: `${staging}/job.json`,
        transferId: stepIdOf(id, 'job'),
      },
      signal,
    )
    part.isBegun = true
    await part.steps.startUnit({ tools, job: `${staging}/job.json` })
  }

  /** Follows the unit, and confirms the new agent once that answers; resolves to what the host has put down in the end. */
  private async waitForCompletion(part: Part, old: string | null): Promise<HostOutcome> {
    const { hostId, log, signal, steps } = part
    const ended = new AbortController()
    const confirming = this.confirm(part, old, AbortSignal.any([signal, ended.signal]))
    confirming.catch(() => undefined) // awaited below
    try {
      await steps.followUnit(log)
    } finally {
      ended.abort()
      await confirming.catch((error) => {
        if (!ended.signal.aborted || signal.aborted) throw error
        this.log.debug({ err: error, hostId }, 'confirming an upgrade ended with its unit')
      })
    }
    for (;;) {
      // The unit may outlive what followed it.
      const outcome = toOutcome(await steps.report())
      if (outcome) return outcome
      await this.clock.sleep(REPORT_INTERVAL_MS, signal)
    }
  }

  private async confirm({ release, ...part }: Part, old: string | null, signal: AbortSignal) {
    const steps = part.steps.until(signal)
    for (let attempt = 1; !signal.aborted; attempt++) {
      const version = await steps.version().catch((error) => {
        if (error instanceof RollcallError) return null // it is being switched, or is not the right one: the host decides in the end
        throw error
      })
      if (version === release.version) {
        if ((await steps.confirm(attempt)) !== 'too_early') return
      } else if (version !== null && old !== null && version !== old) {
        await steps.reject(`the new agent says that it is ${version}`)
        return
      }
      await this.clock.sleep(LOOK_INTERVAL_MS, signal)
    }
  }

  /** The last resort: installs the release over SSH, with the identity that the agent has. */
  private async overSsh({ hostId, log, release, signal }: Part, why: string): Promise<HostOutcome> {
    await log.line(`${why} Trying over SSH.`)
    try {
      await this.provisioning.install(hostId, log, signal, { release })
      return { state: 'upgraded' }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RollcallError)) throw error
      return {
        state: 'stranded',
        reason: `${why} Over SSH it could not be installed either: ${error.message} (${error.code})`,
      }
    } finally {
      this.agents.forget(hostId)
    }
  }
}

const reasonOf = (outcome: HostOutcome) => ('reason' in outcome ? outcome.reason : 'It was cancelled.')
