import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { HostState } from '@rollcall/contracts/admin'
import { AgentsRepository, AgentsService } from '../agents/index.ts'
import { Artifacts, type ReleaseArchive, ReleaseKeys } from '../artifacts/index.ts'
import {
  type CommandHandler,
  type CommandLease,
  CommandLifecycleRepository,
  CommandWorker,
  type DriveOutcome,
  type Ending,
  type LeasedCommand,
  OutputWriter,
} from '../commands/index.ts'
import { HeartbeatsService, RollRepository } from '../heartbeats/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { toCallersUnit } from '../platform/config/agent-callers.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import type { SshTarget } from '../platform/ssh/index.ts'
import { CONFIG } from '../platform/tokens.ts'
import { AgentPorts } from './agent-ports.ts'
import { toProvisioningEnds } from './domain/host-ends.ts'
import { type AcceptedConflicts, NO_CONFLICTS, parseAcceptedConflicts } from './domain/on-purpose.ts'
import { logAgentJournal } from './host-session.ts'
import { install } from './installer.ts'
import { Machines } from './machines.ts'
import { MoveUndoneError, PortMoves } from './port-moves.reconciler.ts'
import { remove } from './remover.ts'
import { refuseUnpinned, toSshTarget } from './ssh-target.ts'

const CHECK_INTERVAL_MS = 3000
const ONLINE_WITHIN_MS = 90_000

/**
 * Installs and removes agents over SSH. A run interrupted by a server restart starts over; every step is repeatable.
 */
@Injectable()
export class ProvisioningHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly hosts: HostsRepository,
    private readonly agents: AgentsRepository,
    private readonly connections: AgentsService,
    private readonly roll: RollRepository,
    private readonly heartbeats: HeartbeatsService,
    private readonly lifecycle: CommandLifecycleRepository,
    private readonly ports: AgentPorts,
    private readonly moves: PortMoves,
    private readonly machines: Machines,
    private readonly artifacts: Artifacts,
    private readonly releaseKeys: ReleaseKeys,
    private readonly clock: Clock,
    private readonly outgoing: OutgoingAddresses,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.worker.register('install', this)
    this.worker.register('remove', this)
    this.lifecycle.onCommandEnded(['install', 'remove', 'upgrade'], (transaction, ended) =>
      this.hosts.endProvisioning(transaction, toProvisioningEnds(ended)),
    )
  }

  async drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome> {
    return { do: 'end', ending: await this.ending(command, lease) }
  }

  afterEnd(command: LeasedCommand, ending: Ending): void {
    if (ending.isHostRemoved) this.connections.forget(command.hostId)
  }

  private async ending(command: LeasedCommand, lease: CommandLease): Promise<Ending> {
    const log = new OutputWriter(lease)
    const deadline = AbortSignal.timeout(command.timeoutMs)
    const signal = AbortSignal.any([lease.stopped, lease.cancelled, deadline])
    await lease.report({ kind: 'running' })
    try {
      signal.throwIfAborted()
      if (command.outputBytes > 0)
        await log.line('The server was restarted during this installation: starting over.')
      const onPurpose = parseAcceptedConflicts(command.args)
      if (command.kind === 'install') await this.install(command.hostId, log, signal, { onPurpose })
      else await this.remove(command.hostId, log, signal)
    } catch (error) {
      lease.stopped.throwIfAborted()
      await log.flush() // throws if the database failed
      if (lease.cancelled.aborted) return this.fail(command, log, 'cancelled', 'It was cancelled.')
      if (deadline.aborted) return this.fail(command, log, 'timed_out', 'It took too long.')
      return this.fail(command, log, 'failed', error)
    }
    await log.flush()
    const change = command.kind === 'install' ? { hostState: 'online' as const } : { isHostRemoved: true }
    return { state: 'success', exitCode: 0, ...change }
  }

  /**
   * Installs the agent with its identity, moves it to another port if requested, and waits until it responds. `release`
   * overrides the server's own release. Throws what `install` throws.
   */
  async install(
    hostId: string,
    log: OutputWriter,
    signal: AbortSignal,
    { release, onPurpose = NO_CONFLICTS }: { release?: ReleaseArchive; onPurpose?: AcceptedConflicts } = {},
  ): Promise<void> {
    const { nextPort } = await this.identity(hostId)
    const installAt = (rpcPort?: number) =>
      this.installAt(hostId, log, signal, { release, onPurpose, rpcPort })
    if (nextPort === null) return installAt()
    await this.moves.move(hostId, { nextPort, installAt, log, signal })
  }

  private async identity(hostId: string) {
    const agent = await this.agents.identity(hostId)
    if (!agent) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    return agent
  }

  /** Installs the agent on `rpcPort`, by default its current port. */
  private async installAt(
    hostId: string,
    log: OutputWriter,
    signal: AbortSignal,
    { release, onPurpose, rpcPort }: InstallOptions,
  ): Promise<void> {
    const [target, agent, host] = await Promise.all([
      this.target(hostId),
      this.identity(hostId),
      this.hosts.find(hostId),
    ])
    const result = await install(
      {
        ...target,
        identity: { ...agent, rpcPort: rpcPort ?? agent.rpcPort },
        serverPins: [agent.serverPin],
        callersUnit: toCallersUnit(this.config.agentCallers),
        owner: await this.machines.ownerMark(hostId),
        isSilent: await this.heartbeats.isSilent(hostId),
      },
      {
        firstInstall: host?.isInstalled !== true,
        onHostKey: (fingerprint) =>
          this.machines.pinFirstKey(hostId, fingerprint, onPurpose, (transaction) =>
            this.hosts.pinHostKey(hostId, fingerprint, transaction),
          ),
        checkMachine: (report, hostKey) => this.machines.claim(hostId, { report, hostKey }, onPurpose),
        isPortGiven: this.ports.isGiven(agent.ports),
        changePort: async (taken, ephemeral) => {
          const port = await this.ports.pick({ ports: agent.ports, takenOnHost: taken, ephemeral })
          await this.agents.setPort(hostId, port)
          return port
        },
        agentArchive: async (architecture) => release ?? this.artifacts.agentArchive(architecture),
        signRelease: (archive, architecture) => this.releaseKeys.sign({ ...archive, architecture }),
        ansibleBundle: () => this.artifacts.ansibleBundle(),
        log: (stream, data) => log.write(stream, data),
      },
      signal,
    )
    this.connections.forget(hostId)
    await this.waitUntilOnline(hostId, result.rpcPort, log, signal).catch((error) =>
      this.explainSilence(error, hostId, log, signal),
    )
    await this.agents.markInstalled(
      hostId,
      { version: result.agentVersion, architecture: result.architecture },
      this.clock.now(),
    )
    // Enrols the host at once, so that its facts are available as soon as it is online.
    await this.roll.enrol(this.clock.now())
    this.heartbeats.requestNow(hostId)
    await log.line(`The agent ${result.agentVersion} is online.`)
  }

  private async remove(hostId: string, log: OutputWriter, signal: AbortSignal): Promise<void> {
    await remove(
      await this.target(hostId),
      {
        onHostKey: (fingerprint) => this.hosts.pinHostKey(hostId, fingerprint),
        findOwner: (report) => this.machines.findOwner(hostId, report),
        log: (stream, data) => log.write(stream, data),
      },
      signal,
    )
    await log.line('The host leaves the fleet.')
  }

  private async target(hostId: string): Promise<SshTarget> {
    const known = await this.hosts.reach(hostId)
    if (known) return toSshTarget(known.reach, this.outgoing)
    throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
  }

  /** Probes the agent every three seconds until it responds. */
  private async waitUntilOnline(
    hostId: string,
    port: number,
    log: OutputWriter,
    signal: AbortSignal,
  ): Promise<void> {
    const giveUpAt = this.clock.now().getTime() + ONLINE_WITHIN_MS
    await log.line('Waiting for the agent to respond.')
    for (;;) {
      try {
        return await this.connections.probe(hostId, { port }, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RollcallError)) throw error
        if (error.kind === 'rejected') throw error
        if (this.clock.now().getTime() + CHECK_INTERVAL_MS > giveUpAt)
          throw new RollcallError(
            'install.agent_silent',
            `The agent is installed and running, but did not respond to the server within ${ONLINE_WITHIN_MS / 1000} s: ${error.message} Check for a firewall between the two, then install it again.`,
            { cause: error },
          )
      }
      await this.clock.sleep(CHECK_INTERVAL_MS, signal)
    }
  }

  /** Adds the agent's journal to the installation log, then throws `silence`. */
  private async explainSilence(
    silence: unknown,
    hostId: string,
    log: OutputWriter,
    signal: AbortSignal,
  ): Promise<never> {
    signal.throwIfAborted()
    // Only the key pinned by this installation is accepted: another machine may respond now.
    const ports = {
      onHostKey: refuseUnpinned,
      log: (stream: 'stdout' | 'stderr', data: Buffer) => log.write(stream, data),
    }
    await logAgentJournal(await this.target(hostId), ports, signal).catch((error) =>
      log.line(`Failed to read the agent's log: ${error.message}`, 'stderr'),
    )
    throw silence
  }

  private async fail(
    command: LeasedCommand,
    log: OutputWriter,
    state: 'cancelled' | 'timed_out' | 'failed',
    why: unknown,
  ): Promise<Ending> {
    const known = why instanceof RollcallError ? why : undefined
    if (!known && typeof why !== 'string')
      this.log.error({ err: why, commandId: command.id }, 'provisioning failed with an internal error')
    const reason =
      known?.message ?? (typeof why === 'string' ? why : 'Internal error of the server; see its log.')
    await log.line(reason, 'stderr')
    await log.flush()
    return {
      state,
      reason,
      reasonCode: known?.code ?? (typeof why === 'string' ? null : 'server.defect'),
      exitCode: null,
      hostState: toHostState(command.kind, why),
    }
  }
}

interface InstallOptions {
  /** The release to install; undefined for the server's own. */
  release: ReleaseArchive | undefined
  onPurpose: AcceptedConflicts
  /** The port to listen on; undefined for the current one. */
  rpcPort: number | undefined
}

function toHostState(kind: LeasedCommand['kind'], why: unknown): HostState {
  if (kind !== 'install') return 'remove_failed'
  return why instanceof MoveUndoneError ? 'online' : 'install_failed'
}
