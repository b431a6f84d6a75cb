import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsRepository } from '../agents/index.ts'
import { type Host, HostsRepository } from '../hosts/index.ts'
import { ServerIdentities } from '../identities/index.ts'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import { Database } from '../platform/prisma/database.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'
import { type NewCommandRun, RunsRepository } from '../runs/index.ts'
import type { HostChangePlan, HostToAdd } from './domain/host-change.ts'

/** Throws if what a transaction is about to store is not allowed. */
export type TransactionCheck = (transaction: Transaction) => Promise<void>

const PORT_TRIES = 20

/** Changes hosts, agents and their provisioning commands in one transaction. */
@Injectable()
export class ProvisioningRepository {
  constructor(
    private readonly hosts: HostsRepository,
    private readonly agents: AgentsRepository,
    private readonly runs: RunsRepository,
    private readonly identities: ServerIdentities,
    private readonly database: Database,
  ) {}

  /**
   * Inserts a host, its agent's identity and its installation. `pickPort` is called again if another server took the
   * port.
   */
  async addHost(
    { host, run, ports, now }: HostToAdd,
    pickPort: () => Promise<number>,
    check: TransactionCheck,
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      const agent = { rpcPort: await pickPort(), ports, serverPin: await this.identities.newestPin() }
      try {
        return await this.runs.insert(run, async (transaction) => {
          await check(transaction)
          await this.hosts.insert(host, run.commands[0].id, now, transaction)
          await this.agents.insert(host.id, agent, now, transaction)
        })
      } catch (error) {
        if (isUniqueViolation(error, 'name')) throw nameTaken(host.name, error)
        if (!isUniqueViolation(error, 'rpc') || tries >= PORT_TRIES) throw error
      }
    }
  }

  /**
   * Refuses a name that saved commands or schedules target, because their commands would be sent to a new host of that
   * name. Throws `host.name_taken`.
   */
  async refuseTargetedName(name: string, transaction: Transaction): Promise<void> {
    const [found] = await transaction.$queryRaw<{ isNamed: boolean }[]>`
      SELECT EXISTS (SELECT FROM saved_command WHERE jsonb_exists(target->'hosts', ${name}))
          OR EXISTS (SELECT FROM schedule WHERE jsonb_exists(target->'hosts', ${name})) AS "isNamed"`
    if (found?.isNamed) throw nameTaken(name)
  }

  /** Begins the installation or removal of a known host. Throws `host.busy` if one is running. */
  async begin(host: Host, state: 'installing' | 'removing', run: NewCommandRun, now: Date): Promise<void> {
    await this.runs.insert(run, (transaction) => this.beginWork(transaction, host, state, run, now))
  }

  /**
   * Changes a host and begins moving its agent if requested, atomically. Returns false, and changes nothing, if
   * `onlyIf` no longer holds. Throws `host.busy`.
   */
  async change(
    host: Host,
    { settings, onlyIf, port }: HostChangePlan,
    now: Date,
    check?: TransactionCheck,
    move?: NewCommandRun,
  ): Promise<boolean> {
    const inTransaction = async (transaction: Transaction) => {
      await check?.(transaction)
      if (!(await this.hosts.change(host.id, settings, onlyIf, transaction)))
        throw new ConcurrentUpdateError()
      if (port && !(await this.agents.changePort(host.id, port, transaction))) throw moveUnderWay(host)
      if (move) await this.beginWork(transaction, host, 'installing', move, now)
    }
    try {
      if (move) await this.runs.insert(move, inTransaction)
      else await this.database.prisma.$transaction(inTransaction)
      return true
    } catch (error) {
      if (error instanceof ConcurrentUpdateError) return false
      throw error
    }
  }

  private async beginWork(
    transaction: Transaction,
    host: Pick<Host, 'id' | 'name'>,
    state: 'installing' | 'removing',
    run: NewCommandRun,
    now: Date,
  ): Promise<void> {
    if (!(await this.hosts.beginWork(host.id, state, run.commands[0].id, now, transaction))) throw busy(host)
  }
}

export const busy = (host: Pick<Host, 'name'>) =>
  new RollcallError(
    'host.busy',
    `${host.name} is being installed, upgraded or removed. Wait until that has ended, or cancel it.`,
  )

const moveUnderWay = (host: Pick<Host, 'name'>) =>
  new RollcallError(
    'host.busy',
    `The agent of ${host.name} is already being moved to another port. Wait until it responds, or run: rollcall host install ${host.name}`,
  )

/** Does not name the other host, which may be outside the caller's scope. */
const nameTaken = (name: string, cause?: unknown) =>
  new RollcallError(
    'host.name_taken',
    `The name ${name} is taken: host names are unique in the fleet. Choose another name.`,
    { fields: [{ field: 'name', message: `"${name}" is taken` }], cause },
  )
