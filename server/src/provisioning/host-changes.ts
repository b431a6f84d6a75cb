import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostChange, parsePortRange } from '@rollcall/contracts/admin'
import { type HostScope, type Principal, refuseLabelsOutside } from '../access/index.ts'
import { AgentsService } from '../agents/index.ts'
import { CommandsService, CommandWorker } from '../commands/index.ts'
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
import { AgentPorts } from './agent-ports.ts'
import { isWithin } from './domain/port-choice.ts'
import { isReachNamed, mergeReach, passwordsToGiveAgain } from './domain/reach-change.ts'
import { type HostTrial, tryReach } from './host-trial.ts'
import { Machines } from './machines.ts'
import { busy, type HostChangePlan, ProvisioningRepository } from './provisioning.repository.ts'
import { refuseAddress } from './refuse-address.ts'

const PROBE_TIMEOUT_MS = 8_000
const PORT_TRIES = 20

export interface ChangedHost {
  host: Host
  commandId: string | null
  isAgentAnswering: boolean | null
}

/** Changes hosts that are in the fleet: how they are reached, where their agents listen, and what a person may choose for them. */
@Injectable()
export class HostChanges {
  constructor(
    private readonly repository: ProvisioningRepository,
    private readonly hosts: HostsService,
    private readonly hostRows: HostsRepository,
    private readonly profiles: ProfilesService,
    private readonly roll: RollRepository,
    private readonly heartbeats: HeartbeatsService,
    private readonly connections: AgentsService,
    private readonly ports: AgentPorts,
    private readonly machines: Machines,
    private readonly commands: CommandsService,
    private readonly worker: CommandWorker,
    private readonly outgoing: OutgoingAddresses,
    private readonly clock: Clock,
  ) {}

  /**
   * Tries how a host is to be reached, and only then changes it, all or nothing. Throws `ssh.*`, `host.*` and what else stands in the way,
   * `host.changed_meanwhile`, `host.busy`, `host.no_free_port`.
   */
  async change(
    hostId: string,
    change: HostChange,
    { name: requestedBy, scope }: Pick<Principal, 'name' | 'scope'>,
  ): Promise<ChangedHost> {
    const host = await this.hosts.show(hostId)
    if (typeof change.heartbeatProfile === 'string') await this.profiles.show(change.heartbeatProfile, scope)
    if (change.labels) refuseLabelsOutside(scope, host.labels, change.labels)
    // What was judged is what is changed: others may have given it other labels meanwhile.
    const ifLabels = change.ifLabels ?? (change.labels && scope !== null ? host.labels : undefined)
    const { labels, heartbeatProfile, autoReinstall, allowDuplicate } = change
    const isDuplicateAllowed = allowDuplicate || undefined
    const settings = { labels, heartbeatProfile, autoReinstall, isDuplicateAllowed }
    if (!isReachNamed(change) && change.agentPorts === undefined) {
      await this.store(host, { settings, onlyIf: { labels: ifLabels } }, undefined)
      return this.changed(host, null, null)
    }
    return this.changeReach(host, { change, settings, ifLabels, requestedBy, scope })
  }

  /** Changes how a host is reached, with what else was asked for beside it, once that has been tried. */
  private async changeReach(
    host: Host,
    { change, settings, ifLabels, requestedBy, scope }: ReachWish,
  ): Promise<ChangedHost> {
    const { allowDuplicate } = change
    const isReached = isReachNamed(change)
    if (BUSY_STATES.includes(host.state)) throw busy(host)
    if (change.address !== undefined) await refuseAddress(this.outgoing, this.clock, change.address)
    const known = await this.hostRows.reach(host.id)
    if (!known) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    refuseToSendPasswords(host, passwordsToGiveAgain(known.reach, change))
    const wanted = mergeReach(known.reach, change)
    const trial = change.skipCheck ? undefined : await this.try(host, wanted)
    if (trial && !allowDuplicate) await this.refuseOthers(host, trial, scope)
    const reach: HostReach = { ...wanted, hostKey: wanted.hostKey ?? trial?.hostKey ?? null }
    const { hostKey } = reach
    const isKeyNew = hostKey !== null && hostKey !== known.reach.hostKey
    const isDuplicate = allowDuplicate || (await this.machines.isDuplicateAllowed(host.id))
    const plan: HostChangePlan = {
      check:
        isKeyNew && !isDuplicate
          ? (transaction) =>
              this.machines.refuseKeyOfOthers({ hostId: host.id, hostKey, reader: { scope } }, transaction)
          : undefined,
      settings: { ...settings, ...(isReached && { reach }) },
      onlyIf: { labels: ifLabels, sealed: known.sealed, notIn: BUSY_STATES },
    }
    const commandId = await this.storeWithPort(host, plan, {
      trial,
      requestedBy,
      agentPorts: change.agentPorts,
    })
    return this.changed(host, commandId, trial && commandId === null ? await this.isAnswering(host) : null)
  }

  private async try(host: Host, reach: HostReach): Promise<HostTrial> {
    try {
      return await tryReach(reach, this.outgoing)
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      const { code, message, outcome, fields } = error
      const how =
        error.kind === 'unavailable'
          ? ` If it cannot be reached now, this stores it untried: rollcall host set ${host.name} --no-check …`
          : ''
      throw new RollcallError(code, `Nothing was changed of ${host.name}. ${message}${how}`, {
        outcome,
        fields,
        cause: error,
      })
    }
  }

  /** Refuses a machine, or an agent, that belongs to another host. */
  private async refuseOthers(host: Host, trial: HostTrial, scope: HostScope): Promise<void> {
    const checks = await this.machines.check(trial, {
      hostId: host.id,
      reader: { scope },
      onPurpose: { duplicate: await this.machines.isDuplicateAllowed(host.id), takeOver: false },
    })
    const failed = checks.filter(({ ok }) => !ok)
    const [first] = failed
    if (!first?.code) return
    const why = failed.map(({ name, message }) => `${name}: ${message}`).join(' ')
    throw new RollcallError(first.code, `Nothing was changed of ${host.name}. ${why}`)
  }

  /** Stores a change, and where the agent is to listen elsewhere picks the port. Returns the id of the move that this begins. */
  private async storeWithPort(
    host: Host,
    plan: HostChangePlan,
    { agentPorts, trial, requestedBy }: PortWish,
  ): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      const port = agentPorts === undefined ? undefined : await this.portFor(host, agentPorts, trial)
      const move =
        port?.nextPort === undefined ? undefined : this.commands.newProvisioning('install', host, requestedBy)
      try {
        await this.store(host, { ...plan, port }, move)
        if (!move) return null
        this.worker.announce(move.commands[0].id)
        return move.commands[0].id
      } catch (error) {
        // Another agent was given the port at the same moment.
        if (!isUniqueViolation(error, 'port') || tries >= PORT_TRIES) throw error
      }
    }
  }

  /** Where the agent is to listen: where it does, if that fits. */
  private async portFor(
    { agent, isInstalled }: Host,
    ports: string,
    trial: HostTrial | undefined,
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
    move: Parameters<ProvisioningRepository['change']>[2],
  ): Promise<void> {
    if (await this.repository.change(host, plan, move, this.clock.now())) return
    throw await this.whyNot(host, plan)
  }

  /** What is otherwise than it was when the change was decided. */
  private async whyNot(host: Host, { onlyIf }: HostChangePlan): Promise<RollcallError> {
    const present = await this.hosts.show(host.id)
    if (onlyIf.notIn?.includes(present.state)) return busy(host)
    const isOfLabels = onlyIf.labels !== undefined && !isSame(onlyIf.labels, present.labels)
    return new RollcallError(
      'host.changed_meanwhile',
      isOfLabels
        ? `Somebody has changed the labels of ${host.name} since you looked at them. Look at them again, then change them: rollcall host set ${host.name} --label …`
        : `Somebody else has changed how ${host.name} is reached at the same time. Look at it again: rollcall host show ${host.name}`,
      { fields: [{ field: isOfLabels ? 'labels' : 'address', message: 'was changed meanwhile' }] },
    )
  }

  /** Whether the agent answers where it is called now; null where none was installed. */
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

  private async changed(host: Host, commandId: string | null, isAgentAnswering: boolean | null) {
    const now = this.clock.now()
    await this.roll.applyProfiles(now, host.id)
    this.connections.forget(host.id)
    this.heartbeats.requestNow(host.id)
    return { host: await this.hosts.show(host.id), commandId, isAgentAnswering }
  }
}

function refuseToSendPasswords(host: Host, fields: ReturnType<typeof passwordsToGiveAgain>): void {
  if (fields.length === 0) return
  throw new RollcallError(
    'request.invalid',
    `Nothing was changed of ${host.name}. Its stored ${fields.map((field) => WORDS[field]).join(' and ')} would be sent to another machine than it was given for. Give it again with this change, or sign in by key.`,
    {
      fields: fields.map((field) => ({
        field,
        message: 'must be given again: the machine would be another one',
      })),
    },
  )
}

const WORDS = { credential: 'SSH password', sudoPassword: 'sudo password' }

interface ReachWish {
  change: HostChange
  settings: HostSettings
  /** The labels that the host must still have. */
  ifLabels: Record<string, string> | undefined
  requestedBy: string
  scope: HostScope
}

interface PortWish {
  agentPorts: string | undefined
  trial: HostTrial | undefined
  requestedBy: string
}

const isSame = (one: Record<string, string>, other: Record<string, string>) =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(([key, value]) => other[key] === value)
