import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostScope, isInScope } from '../access/index.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'
import {
  type AgentOwner,
  decideMachine,
  decideOwner,
  describeTwin,
  type IdentifiedHost,
} from './domain/machine.ts'
import type { AcceptedConflicts } from './domain/on-purpose.ts'
import type { PreflightCheck } from './domain/preflight-decision.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { lockMachines, MachinesRepository } from './machines.repository.ts'

/** A machine as inspected. */
export interface InspectedMachine {
  report: PreflightReport
  hostKey: string
}

/**
 * The reader of a message, who sees only names within scope. Null for a log, which everyone who sees the host may read.
 */
type Reader = { scope: HostScope } | null

/** Identifies machines and the owners of their agents, so that two hosts never compete for one machine. */
@Injectable()
export class Machines {
  constructor(private readonly machines: MachinesRepository) {}

  /** Returns the owner of the agent on a machine that is wanted for `hostId`. */
  async findOwner(hostId: string | null, report: PreflightReport): Promise<AgentOwner> {
    return decideOwner(report, await this.machines.ownerFacts(hostId, report))
  }

  async isDuplicateAllowed(hostId: string): Promise<boolean> {
    return (await this.machines.find(hostId))?.isDuplicateAllowed === true
  }

  /** Returns the owner to record on a host. */
  async ownerMark(hostId: string): Promise<string> {
    return `${await this.machines.fleetId()}/${hostId}`
  }

  /** Checks which parts of a machine belong to other hosts. Stores nothing. */
  async check(
    seen: InspectedMachine,
    { hostId, reader, onPurpose }: { hostId: string | null; reader: Reader; onPurpose: AcceptedConflicts },
  ): Promise<PreflightCheck[]> {
    const owner = await this.findOwner(hostId, seen.report)
    const bearers = await this.machines.findByIdentifiers(toIdentifiers(seen), hostId)
    return this.decide(owner, bearers, reader, onPurpose)
  }

  /** Checks a host that is about to be installed, stores the findings and claims the machine for it if it is free. */
  async claim(
    hostId: string,
    seen: InspectedMachine,
    onPurpose: AcceptedConflicts,
  ): Promise<PreflightCheck[]> {
    const [owner, known] = await Promise.all([
      this.findOwner(hostId, seen.report),
      this.machines.find(hostId),
    ])
    const duplicate = onPurpose.duplicate || onPurpose.takeOver || known?.isDuplicateAllowed === true
    return this.machines.withLock(async (transaction) => {
      const bearers = await this.machines.findByIdentifiers(toIdentifiers(seen), hostId, transaction)
      const checks = await this.decide(owner, bearers, null, { ...onPurpose, duplicate })
      const isClaimed = checks.every(({ ok }) => ok)
      const change = {
        sameMachineAs: typeof owner === 'object' ? owner.hostId : (bearers[0]?.id ?? null),
        ...(isClaimed && { machineId: seen.report.machine_id }),
        ...(isClaimed && duplicate && bearers.length > 0 && { isDuplicateAllowed: true as const }),
      }
      await this.machines.setMachine(hostId, change, transaction)
      return checks
    })
  }

  /** Refuses a key of another host, within the transaction that stores it. Throws `host.same_machine`. */
  async refuseKeyOfOthers(
    { hostId, hostKey, reader }: { hostId: string | null; hostKey: string; reader: Reader },
    transaction: Transaction,
  ): Promise<void> {
    await lockMachines(transaction)
    const [bearer] = await this.machines.findByIdentifiers(
      { hostKey, machineId: undefined },
      hostId,
      transaction,
    )
    if (bearer) throw toSameMachineError(bearer, reader)
  }

  /**
   * Pins the first key of a host by `pin` unless it is another host's. Throws `host.same_machine`, or what `pin`
   * throws.
   */
  async pinFirstKey(
    hostId: string,
    hostKey: string,
    onPurpose: AcceptedConflicts,
    pin: (transaction: Transaction) => Promise<void>,
  ): Promise<void> {
    const known = await this.machines.find(hostId)
    const isAllowed = onPurpose.duplicate || onPurpose.takeOver || known?.isDuplicateAllowed
    const bearer = await this.machines.withLock(async (transaction) => {
      const [found] = await this.machines.findByIdentifiers(
        { hostKey, machineId: undefined },
        hostId,
        transaction,
      )
      if (found) await this.machines.setMachine(hostId, { sameMachineAs: found.id }, transaction)
      if (!found || isAllowed) await pin(transaction)
      return found
    })
    if (bearer && !isAllowed) throw toSameMachineError(bearer, null)
  }

  private async decide(
    owner: AgentOwner,
    bearers: readonly IdentifiedHost[],
    reader: Reader,
    allowed: AcceptedConflicts,
  ): Promise<PreflightCheck[]> {
    const ownerHost = typeof owner === 'object' ? await this.machines.find(owner.hostId) : null
    return decideMachine({
      owner,
      ownerName: ownerHost && visibleName(ownerHost, reader),
      twins: bearers.map((bearer) => ({ name: visibleName(bearer, reader), hasSameKey: bearer.hasSameKey })),
      allowed: { ...allowed, duplicate: allowed.duplicate || allowed.takeOver },
    })
  }
}

const toIdentifiers = ({ report, hostKey }: InspectedMachine) => ({ hostKey, machineId: report.machine_id })

const visibleName = (
  host: { name: string; labels: Record<string, string> },
  reader: Reader,
): string | null => (reader && isInScope(reader.scope, host.labels) ? host.name : null)

const toSameMachineError = (bearer: IdentifiedHost, reader: Reader) =>
  new RollcallError(
    'host.same_machine',
    `${describeTwin({ name: visibleName(bearer, reader), hasSameKey: true })} Nothing was changed. Use the existing host or, if this one is a clone, give it new SSH host keys (remove /etc/ssh/ssh_host_* and run "ssh-keygen -A"). To add it anyway: --allow-duplicate.`,
    { fields: [{ field: 'hostKey', message: 'belongs to another host' }] },
  )
