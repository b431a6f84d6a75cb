import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { HostState } from '@rollcall/contracts/admin'
import { AgentsRepository } from '../agents/index.ts'
import { CommandsRepository, type NewCommandRun } from '../commands/index.ts'
import { type Host, type HostCredential, HostsRepository } from '../hosts/index.ts'
import { ServerIdentities } from '../platform/crypto/server-identities.ts'
import { isUniqueViolation } from '../platform/prisma/database.ts'

type NewHostFields = Pick<Host, 'id' | 'name' | 'address' | 'port' | 'user' | 'labels' | 'hostKey'>

const BUSY: HostState[] = ['installing', 'upgrading', 'removing']
const PORT_TRIES = 20

/** Hosts, agents and the commands that install and remove them, changed together or not at all. */
@Injectable()
export class ProvisioningRepository {
  constructor(
    private readonly hosts: HostsRepository,
    private readonly agents: AgentsRepository,
    private readonly commands: CommandsRepository,
    private readonly identities: ServerIdentities,
  ) {}

  /** Stores a host, its agent's identity and its installation. `pickPort` is asked again when another server took the port. */
  async addHost(
    host: NewHostFields,
    credential: HostCredential,
    run: NewCommandRun,
    pickPort: () => Promise<number>,
    now: Date,
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      const [rpcPort, serverPin] = [await pickPort(), await this.identities.newestPin()]
      try {
        return await this.commands.insertRun(run, (transaction) =>
          transaction.host
            .create({
              data: {
                ...this.hosts.newRow(host, credential, run.commands[0].id, now),
                agent: { create: this.agents.newRow(host.id, rpcPort, serverPin, now) },
              },
            })
            .then(() => undefined),
        )
      } catch (error) {
        if (isUniqueViolation(error, 'name'))
          throw new RollcallError(
            'host.name_taken',
            `There is a host called ${host.name} already. Choose another name, or remove that one first.`,
            {
              fields: [{ field: 'name', message: `"${host.name}" is taken` }],
              cause: error,
            },
          )
        if (!isUniqueViolation(error, 'rpc') || tries >= PORT_TRIES) throw error
      }
    }
  }

  /** Begins to install or remove a known host. Throws `host.busy` when that is under way. */
  async begin(host: Host, state: 'installing' | 'removing', run: NewCommandRun, now: Date): Promise<void> {
    await this.commands.insertRun(run, async (transaction) => {
      const { count } = await transaction.host.updateMany({
        where: { id: host.id, state: { notIn: BUSY } },
        data: {
          state,
          stateCode: null,
          stateReason: null,
          stateSince: now,
          lastProvisioning: run.commands[0].id,
        },
      })
      if (count === 0)
        throw new RollcallError(
          'host.busy',
          `${host.name} is being installed, upgraded or removed at the moment. Wait until that has ended, or cancel it.`,
        )
    })
  }
}
