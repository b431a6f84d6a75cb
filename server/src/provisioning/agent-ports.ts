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
  /** Where the host's agent may listen; null for where the server puts agents. */
  ports: string | null
  /** Ports that something listens on, as far as that is known. */
  takenOnHost?: ReadonlySet<number> | undefined
  /** The host's own range of ephemeral ports, where that is known. */
  ephemeral?: PortRange | undefined
}

/** RPC ports: unique in the fleet, and where the host or the server says; otherwise random, and none that a common service uses. */
@Injectable()
export class AgentPorts {
  constructor(
    private readonly agents: AgentsRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Whether somebody has said where an agent may listen: of its host, whose ports are given, or of all. */
  isGiven(ports: string | null): boolean {
    return (ports ?? this.config.agentPorts ?? null) !== null
  }

  /** Picks one that is free. Throws `host.no_free_port`. */
  async pick({ ports, takenOnHost = new Set(), ephemeral }: PortRequest): Promise<number> {
    const text = ports ?? this.config.agentPorts ?? null
    const given = text === null ? null : rangeOf(text)
    const used = await this.agents.usedPorts()
    const wish = { given, ephemeral: ephemeral ?? USUAL_EPHEMERAL_PORTS }
    const port = choosePort(random, wish, used, takenOnHost)
    if (port !== undefined) return port
    if (!given)
      throw new RollcallError(
        'host.no_free_port',
        'No port is left between 8000 and 65535 for one more agent.',
      )
    const source = ports === null ? 'ROLLCALL_AGENT_PORTS' : 'agentPorts'
    throw new RollcallError('host.no_free_port', exhausted(given, source, used, takenOnHost), {
      fields: ports === null ? [] : [{ field: 'agentPorts', message: 'has no free port left' }],
    })
  }
}

function rangeOf(text: string): PortRange {
  const range = parsePortRange(text)
  if (typeof range === 'string')
    throw new RollcallError('request.invalid', `The ports "${text}" for agents cannot be: ${range}.`)
  return range
}

function exhausted(
  { first, last }: PortRange,
  source: string,
  used: ReadonlySet<number>,
  takenOnHost: ReadonlySet<number>,
): string {
  const ofAgents = [...used].filter((port) => first <= port && port <= last).length
  const onHost = [...takenOnHost].filter((port) => first <= port && port <= last && !used.has(port)).length
  const by = [
    ...(ofAgents > 0 ? [`${ofAgents} by agents of the fleet, each of which has a port of its own`] : []),
    ...(onHost > 0 ? [`${onHost} by programs on this host`] : []),
  ].join(', ')
  const what =
    first === last
      ? `Port ${first} (${source}) is taken`
      : `All ports of ${first}-${last} (${source}) are taken`
  const remedy = first === last ? 'Choose another one' : 'Give a wider range'
  return `${what}: ${by}. ${remedy}.`
}
