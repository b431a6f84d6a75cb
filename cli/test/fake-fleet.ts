import { RollcallError } from '@rollcall/contracts'
import type {
  AgentView,
  ClusterHealth,
  HeartbeatProfile,
  HostEvent,
  HostSample,
  HostStatus,
  HostView,
} from '@rollcall/contracts/admin'
import type { ApiRequest, Handlers } from './contract-server.ts'

/** An agent that answered a minute and a half ago. */
export function fakeAgent(host: HostView, more: Partial<AgentView> = {}): AgentView {
  const { id, name, labels, state, stateCode, stateReason, stateSince, agent } = host
  return {
    hostId: id,
    host: name,
    labels,
    state,
    stateCode,
    stateReason,
    stateSince,
    version: agent?.version ?? null,
    lastAnswerAt: agent && new Date(Date.now() - 90_000).toISOString(),
    roundTripMs: agent && 3.2,
    clockOffsetMs: agent && 12,
    areValuesStale: state !== 'online' && state !== 'degraded',
    cpuPercent: agent && 12.4,
    memoryPercent: agent && 48,
    address: host.address,
    nextCallAt: null,
    diskPercent: agent && 71.6,
    load: agent && 0.25,
    uptimeS: agent && 273_600,
    runningCommands: agent && 2,
    ...more,
  }
}

/** Heartbeats of the fake server: what the hosts say, and whatever the test adds. */
export class FakeFleet {
  /** By the host's name. */
  readonly reports = new Map<string, Partial<AgentView>>()
  readonly statuses = new Map<string, Partial<HostStatus>>()
  /** Newest first, as the server has them. */
  readonly events = new Map<string, HostEvent[]>()
  readonly samples = new Map<string, HostSample[]>()
  profiles: HeartbeatProfile[] = [
    { name: 'default', minMs: 20_000, maxMs: 60_000, offlineAfterMs: null, labels: null },
  ]
  /** The answer to a change, beside the host. */
  changed: { commandId: string | null; isAgentAnswering: boolean | null } = {
    commandId: null,
    isAgentAnswering: null,
  }
  /** Agents in one page, however many are asked for. */
  pageSize = 10_000
  private readonly hosts: ReadonlyMap<string, HostView>

  readonly handlers: Handlers = {
    listAgents: ({ query }) => this.page(query),
    clusterHealth: () => this.health(),
    hostStatus: ({ params }) => this.status(this.host(params.host)),
    hostHistory: ({ params, query }) => ({
      events: (this.events.get(this.host(params.host).name) ?? []).slice(0, query.limit),
    }),
    hostSamples: ({ params }) => ({ samples: this.samples.get(this.host(params.host).name) ?? [] }),
    changeHost: ({ params, body }) => {
      const { ifLabels: _l, credential: _c, sudoPassword: _s, skipCheck: _k, agentPorts, ...change } = body
      const host = Object.assign(this.host(params.host), change)
      if (agentPorts && host.agent) host.agent.nextPort = Number(agentPorts)
      return { host, ...this.changed }
    },
    listHeartbeatProfiles: () => ({ profiles: this.profiles }),
    addHeartbeatProfile: ({ body }) => {
      this.profiles.push(body)
      return { profile: body }
    },
    changeHeartbeatProfile: ({ params, body }) => ({
      profile: Object.assign(this.profile(params.profile), body),
    }),
    removeHeartbeatProfile: ({ params }) => {
      this.profiles.splice(this.profiles.indexOf(this.profile(params.profile)), 1)
      return {}
    },
  }

  constructor(hosts: ReadonlyMap<string, HostView>) {
    this.hosts = hosts
  }

  agents(): AgentView[] {
    return [...this.hosts.values()]
      .map((host) => fakeAgent(host, this.reports.get(host.name)))
      .toSorted((one, other) => (one.host < other.host ? -1 : 1))
  }

  private page({ state, after, limit }: ApiRequest<'listAgents'>['query']) {
    const size = Math.min(limit, this.pageSize)
    const wanted = this.agents().filter(
      (agent) => (!state || agent.state === state) && (!after || agent.host > after),
    )
    const agents = wanted.slice(0, size)
    const next = wanted.length > size ? (agents.at(-1)?.host ?? null) : null
    return { agents, next, total: wanted.length, states: {} }
  }

  private health(): ClusterHealth {
    const states: ClusterHealth['states'] = {}
    for (const { state } of this.hosts.values()) states[state] = (states[state] ?? 0) + 1
    const [total, healthy, degraded] = [this.hosts.size, states.online ?? 0, states.degraded ?? 0]
    const offline = states.offline ?? 0
    return {
      health: total === 0 ? 'empty' : healthy === total ? 'healthy' : 'degraded',
      total,
      healthy,
      degraded,
      offline,
      other: total - healthy - degraded - offline,
      percentage: total === 0 ? 100 : Math.floor((1000 * healthy) / total) / 10,
      states,
    }
  }

  private status(host: HostView): HostStatus {
    const { hostId, lastAnswerAt, roundTripMs, clockOffsetMs, areValuesStale } = fakeAgent(host)
    return {
      host: { id: hostId, name: host.name },
      state: host.state,
      stateCode: host.stateCode,
      stateReason: host.stateReason,
      stateSince: host.stateSince,
      lastAnswerAt,
      roundTripMs,
      clockOffsetMs,
      areValuesStale,
      nextCallAt: null,
      heartbeat: null,
      autoReinstall: host.autoReinstall,
      facts: null,
      factsChangedAt: null,
      vitals: null,
      ...this.statuses.get(host.name),
    }
  }

  private host(name: string): HostView {
    const host = this.hosts.get(name)
    if (host) return host
    throw new RollcallError('host.not_found', `There is no host named ${name}.`)
  }

  private profile(name: string): HeartbeatProfile {
    const profile = this.profiles.find((one) => one.name === name)
    if (profile) return profile
    throw new RollcallError('heartbeat.profile_not_found', `There is no heartbeat profile named ${name}.`)
  }
}
