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
  /** Where its agent may listen; null for where the server puts agents. */
  ports: string | null
  pickPort(): Promise<number>
  /** Throws where it must not be added. */
  check(transaction: Transaction): Promise<void>
  now: Date
}

const PORT_TRIES = 20

/** Hosts, agents and the commands that install and remove them, changed together or not at all. */
@Injectable()
export class ProvisioningRepository {
  constructor(
    private readonly hosts: HostsRepository,
    private readonly agents: AgentsRepository,
    private readonly commands: CommandsRepository,
    private readonly identities: ServerIdentities,
    private readonly database: Database,
  ) {}

  /** Stores a host, its agent's identity and its installation. `pickPort` is asked again when another server took the port. */
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

  /** Refuses a name that a saved command or schedule sends something to: a host that takes it would be sent that. Throws `host.name_taken`. */
  async refuseNameInTargets(name: string, transaction: Transaction): Promise<void> {
    const [found] = await transaction.$queryRaw<{ isNamed: boolean }[]>`
      SELECT EXISTS (SELECT FROM saved_command WHERE jsonb_exists(target->'hosts', ${name}))
          OR EXISTS (SELECT FROM schedule WHERE jsonb_exists(target->'hosts', ${name})) AS "isNamed"`
    if (found?.isNamed) throw nameTaken(name)
  }

  /** Begins to install or remove a known host. Throws `host.busy` when that is under way. */
  async begin(host: Host, state: 'installing' | 'removing', run: NewCommandRun, now: Date): Promise<void> {
    await this.commands.insertRun(run, (transaction) => this.beginWork(transaction, host, state, run, now))
  }

  /**
   * Changes a host, and where its agent is moved begins that, all or nothing. False, and nothing is changed, where it is not as `onlyIf` says
   * any more. Throws `host.busy`.
   */
  async change(
    host: Host,
    { settings, onlyIf, check, port }: HostChangePlan,
    move: NewCommandRun | undefined,
    now: Date,
  ): Promise<boolean> {
    const inTransaction = async (transaction: Transaction) => {
      await check?.(transaction)
      if (!(await this.hosts.change(host.id, settings, onlyIf, transaction))) throw new GuardFailed()
      if (port && !(await this.agents.changePort(host.id, port, transaction))) throw moveUnderWay(host)
      if (move) await this.beginWork(transaction, host, 'installing', move, now)
    }
    try {
      if (move) await this.commands.insertRun(move, inTransaction)
      else await this.database.prisma.$transaction(inTransaction)
      return true
    } catch (error) {
      if (error instanceof GuardFailed) return false
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

/** What is to become of a host, as it was decided when it was as `onlyIf` says. */
export interface HostChangePlan {
  settings: HostSettings
  onlyIf: HostGuard
  /** Throws where it must not be so, in the transaction that stores it. */
  check?: ((transaction: Transaction) => Promise<void>) | undefined
  /** Where its agent listens from now on, or is being moved to; left out where that stays as it is. */
  port?: AgentPortChange | undefined
}

/** Rolls a transaction back in which the host was not as it had been looked at. */
class GuardFailed extends Error {}

export const busy = (host: Pick<Host, 'name'>) =>
  new RollcallError(
    'host.busy',
    `${host.name} is being installed, upgraded or removed at the moment. Wait until that has ended, or cancel it.`,
  )

const moveUnderWay = (host: Pick<Host, 'name'>) =>
  new RollcallError(
    'host.busy',
    `The agent of ${host.name} is being moved to another port already, and that has not ended. Wait until it answers, or end it with: rollcall host install ${host.name}`,
  )

/** Says nothing of who has it: that may be somebody whose hosts do not exist for whoever asks. */
const nameTaken = (name: string, cause?: unknown) =>
  new RollcallError(
    'host.name_taken',
    `The name ${name} is taken: names of hosts are unique in the whole fleet. Choose another one.`,
    { fields: [{ field: 'name', message: `"${name}" is taken` }], cause },
  )
