import { randomInt } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsRepository } from '../agents/index.ts'
import { choosePort } from './domain/port-choice.ts'

const random = () => randomInt(2 ** 32) / 2 ** 32

/** RPC ports: random, unique in the fleet, and none that a common service uses. */
@Injectable()
export class AgentPorts {
  constructor(private readonly agents: AgentsRepository) {}

  /** Throws `host.no_free_port`. */
  async pick(takenOnHost: ReadonlySet<number> = new Set()): Promise<number> {
    const port = choosePort(random, await this.agents.usedPorts(), takenOnHost)
    if (port === undefined)
      throw new RollcallError(
        'host.no_free_port',
        'No port is left between 8000 and 65535 for one more agent.',
      )
    return port
  }
}
