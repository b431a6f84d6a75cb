import { randomInt } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type PortRange, parsePortRange } from '@rollcall/contracts/admin'
import { AgentsRepository } from '../agents/index.ts'
import type { Config } from '../platform/config/config.ts'
import { CONFIG } from '../platform/tokens.ts'
import { choosePort, USUAL_EPHEMERAL_PORTS } from './domain/port-choice.ts'

const random = () => randomInt(2 ** 32) / 2 ** 32

interface PortRequest {
  /** The port range for the host's agent; null for the server's default. */
  ports: string | null
  /** Ports in use on the host, if known. */
  takenOnHost?: ReadonlySet<number> | undefined
  /** The host's range of ephemeral ports, if known. */
  ephemeral?: PortRange | undefined
}

/**
 * Assigns RPC ports, which are unique in the fleet: within the configured range, otherwise random and not those of
 * common services.
 */
@Injectable()
export class AgentPorts {
  constructor(
    private readonly agents: AgentsRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns whether a port range is configured for this host or for all hosts. */
  isGiven(ports: string | null): boolean {
    return (ports ?? this.config.agentPorts ?? null) !== null
  }

  /** Picks a free port. Throws `host.no_free_port`. */
  async pick({ ports, takenOnHost = new Set(), ephemeral }: PortRequest): Promise<number> {
    const text = ports ?? this.config.agentPorts ?? null
    const given = text === null ? null : parseRange(text)
    const used = await this.agents.usedPorts()
    const wish = { given, ephemeral: ephemeral ?? USUAL_EPHEMERAL_PORTS }
    const port = choosePort(random, wish, used, takenOnHost)
    if (port !== undefined) return port
    if (!given)
      throw new RollcallError(
        'host.no_free_port',
        'No free port between 8000 and 65535 is left for another agent.',
      )
    const source = ports === null ? 'ROLLCALL_AGENT_PORTS' : 'agentPorts'
    throw new RollcallError('host.no_free_port', describeExhaustion(given, source, used, takenOnHost), {
      fields: ports === null ? [] : [{ field: 'agentPorts', message: 'has no free port' }],
    })
  }
}

function parseRange(text: string): PortRange {
  const range = parsePortRange(text)
  if (typeof range === 'string')
    throw new RollcallError('request.invalid', `Invalid ports "${text}" for agents: ${range}.`)
  return range
}

function describeExhaustion(
  { first, last }: PortRange,
  source: string,
  used: ReadonlySet<number>,
  takenOnHost: ReadonlySet<number>,
): string {
  const ofAgents = [...used].filter((port) => first <= port && port <= last).length
  const onHost = [...takenOnHost].filter((port) => first <= port && port <= last && !used.has(port)).length
  const by = [
    ...(ofAgents > 0 ? [`${ofAgents} by other agents of the fleet`] : []),
    ...(onHost > 0 ? [`${onHost} by programs on this host`] : []),
  ].join(', ')
  const what =
    first === last
      ? `Port ${first} (${source}) is in use`
      : `All ports of ${first}-${last} (${source}) are in use`
  const remedy = first === last ? 'Choose another port' : 'Choose a wider range'
  return `${what}: ${by}. ${remedy}.`
}
