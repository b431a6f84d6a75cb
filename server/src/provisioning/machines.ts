import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HostScope, isInScope } from '../access/index.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'
import {
  type AgentOwner,
  type BearerOfSigns,
  decideMachine,
  decideOwner,
  whatTwin,
} from './domain/machine.ts'
import type { OnPurpose } from './domain/on-purpose.ts'
import type { PreflightCheck } from './domain/preflight-decision.ts'
import type { PreflightReport } from './domain/preflight-report.ts'
import { lockMachines, MachinesRepository } from './machines.repository.ts'

/** What was seen of a machine. */
export interface SeenMachine {
  report: PreflightReport
  hostKey: string
}

/** Who is told: names only what is in their scope. Null for a log, which anybody may read who sees the host. */
type Reader = { scope: HostScope } | null

/** Knows one machine from another, and whose its agent is, so that two hosts of the fleet never fight for one. */
@Injectable()
export class Machines {
  constructor(private readonly rows: MachinesRepository) {}

  /** Whose the agent on a machine is that is wanted for `hostId`. */
  async ownerOf(hostId: string | null, report: PreflightReport): Promise<AgentOwner> {
    return decideOwner(report, await this.rows.ownerFacts(hostId, report))
  }

  async isDuplicateAllowed(hostId: string): Promise<boolean> {
    return (await this.rows.find(hostId))?.isDuplicateAllowed === true
  }

  /** What the agent of a host is told of whose it is. */
  async ownerMark(hostId: string): Promise<string> {
    return `${await this.rows.fleetId()}/${hostId}`
  }

  /** Says what of a machine belongs to other hosts. Stores nothing. */
  async check(
    seen: SeenMachine,
    { hostId, reader, onPurpose }: { hostId: string | null; reader: Reader; onPurpose: OnPurpose },
  ): Promise<PreflightCheck[]> {
    const owner = await this.ownerOf(hostId, seen.report)
    const bearers = await this.rows.bearers(signsOf(seen), hostId)
    return this.decide(owner, bearers, reader, onPurpose)
  }

  /** As `check`, for a host that is about to be installed: what was found is noted, and a machine that is its own is claimed for it. */
  async claim(hostId: string, seen: SeenMachine, onPurpose: OnPurpose): Promise<PreflightCheck[]> {
    const [owner, known] = await Promise.all([this.ownerOf(hostId, seen.report), this.rows.find(hostId)])
    const duplicate = onPurpose.duplicate || onPurpose.takeOver || known?.isDuplicateAllowed === true
    return this.rows.locked(async (transaction) => {
      const bearers = await this.rows.bearers(signsOf(seen), hostId, transaction)
      const checks = await this.decide(owner, bearers, null, { ...onPurpose, duplicate })
      const isClaimed = checks.every(({ ok }) => ok)
      const change = {
        sameMachineAs: typeof owner === 'object' ? owner.hostId : (bearers[0]?.id ?? null),
        ...(isClaimed && { machineId: seen.report.machine_id }),
        ...(isClaimed && duplicate && bearers.length > 0 && { isDuplicateAllowed: true as const }),
      }
      await this.rows.note(hostId, change, transaction)
      return checks
    })
  }

  /** Refuses a key that another host shows, within the transaction that stores it. Throws `host.same_machine`. */
  async refuseKeyOfOthers(
    { hostId, hostKey, reader }: { hostId: string | null; hostKey: string; reader: Reader },
    transaction: Transaction,
  ): Promise<void> {
    await lockMachines(transaction)
    const [bearer] = await this.rows.bearers({ hostKey, machineId: undefined }, hostId, transaction)
    if (bearer) throw sameKey(bearer, reader)
  }

  /** Pins the first key that a host shows by `pin`, unless it is another's. Throws `host.same_machine`, or what `pin` throws. */
  async pinFirstKey(
    hostId: string,
    hostKey: string,
    onPurpose: OnPurpose,
    pin: (transaction: Transaction) => Promise<void>,
  ): Promise<void> {
    const known = await this.rows.find(hostId)
    const isAllowed = onPurpose.duplicate || onPurpose.takeOver || known?.isDuplicateAllowed
    const bearer = await this.rows.locked(async (transaction) => {
      const [found] = await this.rows.bearers({ hostKey, machineId: undefined }, hostId, transaction)
      if (found) await this.rows.note(hostId, { sameMachineAs: found.id }, transaction)
      if (!found || isAllowed) await pin(transaction)
      return found
    })
    if (bearer && !isAllowed) throw sameKey(bearer, null)
  }

  private async decide(
    owner: AgentOwner,
    bearers: readonly BearerOfSigns[],
    reader: Reader,
    allowed: OnPurpose,
  ): Promise<PreflightCheck[]> {
    const ownerHost = typeof owner === 'object' ? await this.rows.find(owner.hostId) : null
    return decideMachine({
      owner,
      ownerName: ownerHost && visibleName(ownerHost, reader),
      twins: bearers.map((bearer) => ({ name: visibleName(bearer, reader), hasSameKey: bearer.hasSameKey })),
      allowed: { ...allowed, duplicate: allowed.duplicate || allowed.takeOver },
    })
  }
}

const signsOf = ({ report, hostKey }: SeenMachine) => ({ hostKey, machineId: report.machine_id })

const visibleName = (
  host: { name: string; labels: Record<string, string> },
  reader: Reader,
): string | null => (reader && isInScope(reader.scope, host.labels) ? host.name : null)

const sameKey = (bearer: BearerOfSigns, reader: Reader) =>
  new RollcallError(
    'host.same_machine',
    `${whatTwin({ name: visibleName(bearer, reader), hasSameKey: true })} Nothing was changed. Use the host that there is; or, if this one is a copy, give it SSH host keys of its own (remove /etc/ssh/ssh_host_* and run "ssh-keygen -A"). To take it all the same: --allow-duplicate.`,
    { fields: [{ field: 'hostKey', message: 'belongs to another host' }] },
  )
