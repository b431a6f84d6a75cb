import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type AgentPortChange, AgentsRepository } from '../agents/index.ts'
import { CommandsRepository, type NewCommandRun } from '../commands/index.ts'
import {
  type Host,
  type HostCredential,
  type HostGuard,
  type HostSettings,
  HostsRepository,
} from '../hosts/index.ts'
import { ServerIdentities } from '../identities/index.ts'
import { Database } from '../platform/prisma/database.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import type { Transaction } from '../platform/prisma/transaction.ts'

export interface HostToAdd {
  host: Pick<Host, 'id' | 'name' | 'address' | 'port' | 'user' | 'labels' | 'hostKey'> & {
    isDuplicateAllowed: boolean
  }
  credential: HostCredential
  run: NewCommandRun
  /** The port range for its agent; null for the server's default. */
  ports: string | null
  pickPort(): Promise<number>
  /** Throws if the host must not be added. */
  check(transaction: Transaction): Promise<void>
  now: Date
}

const PORT_TRIES = 20

/** Changes hosts, agents and their provisioning commands in one transaction. */
@Injectable()
export class ProvisioningRepository {
  constructor(
    private readonly hosts: HostsRepository,
    private readonly agents: AgentsRepository,
    private readonly commands: CommandsRepository,
    private readonly identities: ServerIdentities,
    private readonly database: Database,
  ) {}

  /**
   * Inserts a host, its agent's identity and its installation. `pickPort` is called again if another server took the
   * port.
   */
  async addHost({ host, credential, run, ports, pickPort, check, now }: HostToAdd): Promise<void> {
    for (let tries = 1; ; tries++) {
      const [rpcPort, serverPin] = [await pickPort(), await this.identities.newestPin()]
      try {
        const agent = { ...this.agents.newRow(host.id, rpcPort, serverPin, now), ports }
        return await this.commands.insertRun(run, async (transaction) => {
          await check(transaction)
          const row = this.hosts.newRow(host, credential, run.commands[0].id, now)
          await this.hosts.insert({ ...row, agent: { create: agent } }, transaction)
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
    await this.commands.insertRun(run, (transaction) => this.beginWork(transaction, host, state, run, now))
  }

  /**
   * Changes a host and begins moving its agent if requested, atomically. Returns false, and changes nothing, if
   * `onlyIf` no longer holds. Throws `host.busy`.
   */
  async change(
    host: Host,
    { settings, onlyIf, check, port }: HostChangePlan,
    move: NewCommandRun | undefined,
    now: Date,
  ): Promise<boolean> {
    const inTransaction = async (transaction: Transaction) => {
      await check?.(transaction)
      if (!(await this.hosts.change(host.id, settings, onlyIf, transaction))) throw new GuardFailedError()
      if (port && !(await this.agents.changePort(host.id, port, transaction))) throw moveUnderWay(host)
      if (move) await this.beginWork(transaction, host, 'installing', move, now)
    }
    try {
      if (move) await this.commands.insertRun(move, inTransaction)
      else await this.database.prisma.$transaction(inTransaction)
      return true
    } catch (error) {
      if (error instanceof GuardFailedError) return false
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

/** The change to a host, decided while `onlyIf` held. */
export interface HostChangePlan {
  settings: HostSettings
  onlyIf: HostGuard
  /** Throws if the change is not allowed, in the transaction that stores it. */
  check?: ((transaction: Transaction) => Promise<void>) | undefined
  /** The agent's new port; undefined if it is unchanged. */
  port?: AgentPortChange | undefined
}

/** Rolls the transaction back because the host changed concurrently. */
class GuardFailedError extends Error {}

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
