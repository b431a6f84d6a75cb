import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostChange, parsePortRange } from '@rollcall/contracts/admin'
import { type HostScope, type Principal, refuseLabelsOutside } from '../access/index.ts'
import { AgentsService } from '../agents/index.ts'
import { CommandWorker } from '../commands/index.ts'
import { HeartbeatsService, ProfilesService, RollRepository } from '../heartbeats/index.ts'
import {
  BUSY_STATES,
  type Host,
  type HostReach,
  type HostSettings,
  HostsRepository,
  HostsService,
} from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import { type NewCommandRun, newProvisioningRun } from '../runs/index.ts'
import { AgentPorts } from './agent-ports.ts'
import type { HostChangePlan } from './domain/host-change.ts'
import { isWithin } from './domain/port-choice.ts'
import { changesReach, mergeReach, passwordsToSetAgain } from './domain/reach-change.ts'
import { Machines } from './machines.ts'
import { busy, ProvisioningRepository, type TransactionCheck } from './provisioning.repository.ts'
import { probeReach, type ReachProbe } from './reach-probe.ts'
import { refuseAddress } from './refuse-address.ts'

const PROBE_TIMEOUT_MS = 8_000
const PORT_TRIES = 20

export interface ChangedHost {
  host: Host
  commandId: string | null
  isAgentAnswering: boolean | null
}

/** Changes hosts of the fleet: how they are reached, the ports of their agents, and their settings. */
@Injectable()
export class HostChanges {
  constructor(
    private readonly repository: ProvisioningRepository,
    private readonly hosts: HostsService,
    private readonly hostsRepository: HostsRepository,
    private readonly profiles: ProfilesService,
    private readonly roll: RollRepository,
    private readonly heartbeats: HeartbeatsService,
    private readonly connections: AgentsService,
    private readonly ports: AgentPorts,
    private readonly machines: Machines,
    private readonly worker: CommandWorker,
    private readonly outgoing: OutgoingAddresses,
    private readonly clock: Clock,
  ) {}

  /**
   * Tests how a host is to be reached, then changes it atomically. Throws `ssh.*`, `host.*`, `host.changed_meanwhile`,
   * `host.busy` or `host.no_free_port`.
   */
  async change(
    hostId: string,
    change: HostChange,
    { name: requestedBy, scope }: Pick<Principal, 'name' | 'scope'>,
  ): Promise<ChangedHost> {
    const host = await this.hosts.show(hostId)
    if (typeof change.heartbeatProfile === 'string') await this.profiles.show(change.heartbeatProfile, scope)
    if (change.labels) refuseLabelsOutside(scope, host.labels, change.labels)
    // Applies the change only to the labels that were checked, because they may change concurrently.
    const ifLabels = change.ifLabels ?? (change.labels && scope !== null ? host.labels : undefined)
    const { labels, heartbeatProfile, autoReinstall, allowDuplicate } = change
    const isDuplicateAllowed = allowDuplicate || undefined
    const settings = { labels, heartbeatProfile, autoReinstall, isDuplicateAllowed }
    if (!changesReach(change) && change.agentPorts === undefined) {
      await this.store(host, { settings, onlyIf: { labels: ifLabels } })
      return this.finishChange(host, null, null)
    }
    return this.changeReach(host, { change, settings, ifLabels, requestedBy, scope })
  }

  /** Tests and changes how a host is reached, together with the other settings. */
  private async changeReach(
    host: Host,
    { change, settings, ifLabels, requestedBy, scope }: ReachRequest,
  ): Promise<ChangedHost> {
    const { allowDuplicate } = change
    const isReached = changesReach(change)
    if (BUSY_STATES.includes(host.state)) throw busy(host)
    if (change.address !== undefined) await refuseAddress(this.outgoing, this.clock, change.address)
    const known = await this.hostsRepository.reach(host.id)
    if (!known) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    refuseToSendPasswords(host, passwordsToSetAgain(known.reach, change))
    const wanted = mergeReach(known.reach, change)
    const trial = change.skipCheck ? undefined : await this.probe(host, wanted)
    if (trial && !allowDuplicate) await this.refuseForeignMachine(host, trial, scope)
    const reach: HostReach = { ...wanted, hostKey: wanted.hostKey ?? trial?.hostKey ?? null }
    const { hostKey } = reach
    const isKeyNew = hostKey !== null && hostKey !== known.reach.hostKey
    const isDuplicate = allowDuplicate || (await this.machines.isDuplicateAllowed(host.id))
    const plan: HostChangePlan = {
      settings: { ...settings, ...(isReached && { reach }) },
      onlyIf: { labels: ifLabels, sealed: known.sealed, notIn: BUSY_STATES },
    }
    const commandId = await this.storeWithPort(host, plan, {
      trial,
      requestedBy,
      agentPorts: change.agentPorts,
      check: async (transaction) => {
        if (!isKeyNew || isDuplicate) return
        await this.machines.refuseKeyOfOthers({ hostId: host.id, hostKey, reader: { scope } }, transaction)
      },
    })
    return this.finishChange(
      host,
      commandId,
      trial && commandId === null ? await this.isAnswering(host) : null,
    )
  }

  private async probe(host: Host, reach: HostReach): Promise<ReachProbe> {
    try {
      return await probeReach(reach, this.outgoing)
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      const { code, message, outcome, fields } = error
      const how =
        error.kind === 'unavailable'
          ? ` To store the change without this check: rollcall host set ${host.name} --no-check …`
          : ''
      throw new RollcallError(code, `${host.name} was not changed. ${message}${how}`, {
        outcome,
        fields,
        cause: error,
      })
    }
  }

  /** Refuses a machine or agent that belongs to another host. */
  private async refuseForeignMachine(host: Host, trial: ReachProbe, scope: HostScope): Promise<void> {
    const checks = await this.machines.check(trial, {
      hostId: host.id,
      reader: { scope },
      onPurpose: { duplicate: await this.machines.isDuplicateAllowed(host.id), takeOver: false },
    })
    const failed = checks.filter(({ ok }) => !ok)
    const [first] = failed
    if (!first?.code) return
    const why = failed.map(({ name, message }) => `${name}: ${message}`).join(' ')
    throw new RollcallError(first.code, `${host.name} was not changed. ${why}`)
  }

  /** Stores a change and picks the agent's new port if needed. Returns the id of the command that moves the agent. */
  private async storeWithPort(
    host: Host,
    plan: HostChangePlan,
    { agentPorts, trial, requestedBy, check }: PortRequest,
  ): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      const port = agentPorts === undefined ? undefined : await this.portFor(host, agentPorts, trial)
      const origin = { requestedBy, createdAt: this.clock.now() }
      const move = port?.nextPort === undefined ? undefined : newProvisioningRun('install', host, origin)
      try {
        await this.store(host, { ...plan, port }, check, move)
        if (!move) return null
        this.worker.announce(move.commands[0].id)
        return move.commands[0].id
      } catch (error) {
        // Another agent took the port concurrently.
        if (!isUniqueViolation(error, 'port') || tries >= PORT_TRIES) throw error
      }
    }
  }

  /** Returns the agent's port: its current one if that is in the range. */
  private async portFor(
    { agent, isInstalled }: Host,
    ports: string,
    trial: ReachProbe | undefined,
  ): Promise<HostChangePlan['port']> {
    const range = parsePortRange(ports)
    if (typeof range === 'string' || !agent) return undefined
    if (isWithin(range, agent.port)) return { ports }
    const port = await this.ports.pick({
      ports,
      takenOnHost: trial?.report.listening,
      ephemeral: trial?.report.ephemeral,
    })
    return isInstalled ? { ports, nextPort: port } : { ports, rpcPort: port }
  }

  private async store(
    host: Host,
    plan: HostChangePlan,
    check?: TransactionCheck,
    move?: NewCommandRun,
  ): Promise<void> {
    if (await this.repository.change(host, plan, this.clock.now(), check, move)) return
    throw await this.findConflict(host, plan)
  }

  /** Returns which condition of the change no longer holds. */
  private async findConflict(host: Host, { onlyIf }: HostChangePlan): Promise<RollcallError> {
    const present = await this.hosts.show(host.id)
    if (onlyIf.notIn?.includes(present.state)) return busy(host)
    const isOfLabels = onlyIf.labels !== undefined && !isSame(onlyIf.labels, present.labels)
    return new RollcallError(
      'host.changed_meanwhile',
      isOfLabels
        ? `The labels of ${host.name} have changed since you read them. Check them, then repeat the change: rollcall host set ${host.name} --label …`
        : `The address or credentials of ${host.name} were changed at the same time. Check them, then repeat the change: rollcall host show ${host.name}`,
      { fields: [{ field: isOfLabels ? 'labels' : 'address', message: 'was changed concurrently' }] },
    )
  }

  /** Returns whether the agent responds at its current address; null if none was installed. */
  private async isAnswering(host: Host): Promise<boolean | null> {
    if (!host.isInstalled) return null
    try {
      await this.connections.probe(host.id, {}, AbortSignal.timeout(PROBE_TIMEOUT_MS))
      return true
    } catch (error) {
      if (error instanceof RollcallError || error instanceof DOMException) return false
      throw error
    }
  }

  private async finishChange(host: Host, commandId: string | null, isAgentAnswering: boolean | null) {
    const now = this.clock.now()
    await this.roll.applyProfiles(now, host.id)
    this.connections.forget(host.id)
    this.heartbeats.requestNow(host.id)
    return { host: await this.hosts.show(host.id), commandId, isAgentAnswering }
  }
}

function refuseToSendPasswords(host: Host, fields: ReturnType<typeof passwordsToSetAgain>): void {
  if (fields.length === 0) return
  throw new RollcallError(
    'request.invalid',
    `${host.name} was not changed. The stored ${fields.map((field) => PASSWORD_LABELS[field]).join(' and ')} would be sent to another machine than it was set for. Set it again with this change, or sign in with a key.`,
    {
      fields: fields.map((field) => ({
        field,
        message: 'must be set again, because the machine changes',
      })),
    },
  )
}

const PASSWORD_LABELS = { credential: 'SSH password', sudoPassword: 'sudo password' }

interface ReachRequest {
  change: HostChange
  settings: HostSettings
  /** The labels that the host must still have. */
  ifLabels: Record<string, string> | undefined
  requestedBy: string
  scope: HostScope
}

interface PortRequest {
  agentPorts: string | undefined
  trial: ReachProbe | undefined
  requestedBy: string
  check: TransactionCheck
}

const isSame = (one: Record<string, string>, other: Record<string, string>) =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(([key, value]) => other[key] === value)
