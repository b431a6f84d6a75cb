import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { HostChecked, HostCheckRequest, NewHost } from '@rollcall/contracts/admin'
import { notFound, type Principal, refuseLabelsOutside } from '../access/index.ts'
import { AgentsService } from '../agents/index.ts'
import { CommandWorker } from '../commands/index.ts'
import { type Host, HostsRepository, HostsService } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { AttemptWindows } from '../platform/network/attempt-windows.ts'
import { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { connectSsh, type SshSession, scanHostKey } from '../platform/ssh/index.ts'
import { newProvisioningRun } from '../runs/index.ts'
import { AgentPorts } from './agent-ports.ts'
import { NO_CONFLICTS, toArgs } from './domain/on-purpose.ts'
import { checkHost } from './host-inspection.ts'
import { Machines } from './machines.ts'
import { ProvisioningRepository } from './provisioning.repository.ts'
import { refuseAddress } from './refuse-address.ts'
import { refuseUnpinned, toSshTarget } from './ssh-target.ts'

/** The timeout for resolving a name before a host is added; connecting resolves it again. */
const SCAN_TIMEOUT_MS = 30_000
const CHECK_TIMEOUT_MS = 60_000

/** Limits attempts with taken names, because a refusal reveals that a name exists. */
const TAKEN_NAMES = { windowMs: 3_600_000, max: 20, maxKeys: 10_000 }

export interface Accepted {
  host: Host
  commandId: string
}

/** Finds what other features have on a host, by names for people. */
export type FindTenants = (hostId: string) => Promise<string[]>

/** Adds, reinstalls, removes and deletes hosts. The work itself is a command. */
@Injectable()
export class ProvisioningService {
  private readonly takenNames = new AttemptWindows(TAKEN_NAMES)
  private readonly tenants: FindTenants[] = []

  constructor(
    private readonly repository: ProvisioningRepository,
    private readonly hosts: HostsService,
    private readonly hostsRepository: HostsRepository,
    private readonly ports: AgentPorts,
    private readonly machines: Machines,
    private readonly connections: AgentsService,
    private readonly worker: CommandWorker,
    private readonly outgoing: OutgoingAddresses,
    private readonly clock: Clock,
  ) {}

  /**
   * Adds a host and begins its installation. Throws `host.name_taken`, which is rate-limited for callers with a limited
   * scope.
   */
  async add(request: NewHost, actor: Principal): Promise<Accepted> {
    refuseLabelsOutside(actor.scope, {}, request.labels)
    await refuseAddress(this.outgoing, this.clock, request.address)
    if (actor.scope === null) return this.store(request, actor)
    const prober = actor.userId ?? actor.id
    if (!this.takenNames.count(prober, this.clock.now().getTime()))
      throw new RollcallError(
        'access.locked_out',
        'You tried to add too many hosts with taken names. Wait an hour, or ask an admin to add this host.',
      )
    try {
      const accepted = await this.store(request, actor)
      this.takenNames.refund(prober)
      return accepted
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'host.name_taken')
        this.takenNames.refund(prober)
      throw error
    }
  }

  private async store(request: NewHost, { name: requestedBy, scope }: Principal): Promise<Accepted> {
    const {
      credential,
      sudoPassword,
      hostKey = null,
      agentPorts = null,
      allowDuplicate,
      takeOver,
      ...rest
    } = request
    const onPurpose = { duplicate: allowDuplicate || takeOver, takeOver }
    const host = {
      ...rest,
      id: randomUUID(),
      hostKey,
      credential: { ssh: credential, sudoPassword },
      isDuplicateAllowed: onPurpose.duplicate,
    }
    const now = this.clock.now()
    const run = newProvisioningRun('install', host, { requestedBy, createdAt: now }, toArgs(onPurpose))
    await this.repository.addHost(
      { host, run, ports: agentPorts, now },
      () => this.ports.pick({ ports: agentPorts }),
      async (transaction) => {
        // Callers with a limited scope may not claim a name that others' targets contain.
        if (scope !== null) await this.repository.refuseTargetedName(host.name, transaction)
        if (hostKey === null || onPurpose.duplicate) return
        await this.machines.refuseKeyOfOthers({ hostId: null, hostKey, reader: { scope } }, transaction)
      },
    )
    return this.toAccepted(host.id, run.commands[0].id)
  }

  async install(hostId: string, requestedBy: string, onPurpose = NO_CONFLICTS): Promise<Accepted> {
    return this.begin('install', await this.hosts.show(hostId), requestedBy, toArgs(onPurpose))
  }

  /** Registers a feature whose things have to leave a host before that is removed. */
  onRemoval(find: FindTenants): void {
    this.tenants.push(find)
  }

  /** Begins to remove a host. Throws `host.has_instances` while something is to run there, and `host.busy`. */
  async remove(hostId: string, requestedBy: string): Promise<Accepted> {
    const host = await this.hosts.show(hostId)
    const left = await this.tenantsOf(hostId)
    if (left.length === 0) return this.begin('remove', host, requestedBy)
    throw new RollcallError(
      'host.has_instances',
      `${inWords(left)} on ${host.name}. Remove these services or apply them without this host, or delete the host as it is: rollcall host remove ${host.name} --forget`,
    )
  }

  /** Returns what other features have on a host, by names for people. */
  async tenantsOf(hostId: string): Promise<string[]> {
    return (await Promise.all(this.tenants.map((find) => find(hostId)))).flat()
  }

  /** Deletes a host without contacting it; an installed agent stays installed. */
  async forget(hostId: string): Promise<Host> {
    const host = await this.hosts.show(hostId)
    await this.hostsRepository.delete(host.id)
    this.connections.forget(host.id)
    return host
  }

  /** Signs in to a host and disconnects, changing nothing. Throws `ssh.*` or `host.*` if that fails. */
  async checkSsh(hostId: string, signal: AbortSignal): Promise<void> {
    await (await this.connect(hostId, signal)).close()
  }

  /**
   * Signs in to a host with its stored credential and pinned key; `signal` ends the session. Throws `ssh.*` or
   * `host.*`.
   */
  async connect(hostId: string, signal: AbortSignal): Promise<SshSession> {
    const known = await this.hostsRepository.reach(hostId)
    if (!known) throw notFound('host', hostId)
    const target = toSshTarget(known.reach, this.outgoing)
    return connectSsh({ ...target, signal, onHostKey: refuseUnpinned })
  }

  scanHostKey(address: string, port: number) {
    return scanHostKey(address, port, AbortSignal.timeout(SCAN_TIMEOUT_MS), this.outgoing)
  }

  check(request: HostCheckRequest, { scope }: Pick<Principal, 'scope'>): Promise<HostChecked> {
    const { allowDuplicate, takeOver, ...host } = request
    const view = { hostId: null, reader: { scope }, onPurpose: { duplicate: allowDuplicate, takeOver } }
    return checkHost(host, this.outgoing, AbortSignal.timeout(CHECK_TIMEOUT_MS), (report, hostKey) =>
      this.machines.check({ report, hostKey }, view),
    )
  }

  private async begin(
    kind: 'install' | 'remove',
    host: Host,
    requestedBy: string,
    args: string[] = [],
  ): Promise<Accepted> {
    const now = this.clock.now()
    const run = newProvisioningRun(kind, host, { requestedBy, createdAt: now }, args)
    await this.repository.begin(host, kind === 'install' ? 'installing' : 'removing', run, now)
    return this.toAccepted(host.id, run.commands[0].id)
  }

  private async toAccepted(hostId: string, commandId: string): Promise<Accepted> {
    this.worker.announce(commandId)
    return { host: await this.hosts.show(hostId), commandId }
  }
}

const MAX_NAMED = 5

function inWords(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ')
  const isMany = names.length > MAX_NAMED
  return `${shown}${isMany ? ` and ${names.length - MAX_NAMED} more are` : names.length === 1 ? ' is' : ' are'}`
}
