import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import {
  type AgentList,
  type AgentQuery,
  areValuesStale,
  type ClusterHealth,
  type HostEvent,
  type HostSample,
  type HostState,
  type HostStatus,
  type Sparkline,
} from '@rollcall/contracts/admin'
import type { HostScope } from '../access/index.ts'
import { HostsService } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { clusterHealthOf } from './domain/cluster-health.ts'
import { FleetRepository } from './fleet.repository.ts'

/** Three hours. */
const SPARKLINE_STEPS = 36
const RESOLUTION_S = { '5m': 300, '1h': 3600 }
const SPAN_MS = { '5m': 86_400_000, '1h': 7 * 86_400_000 }

/** The fleet as the roll last saw it. */
@Injectable()
export class FleetService {
  constructor(
    private readonly fleet: FleetRepository,
    private readonly hosts: HostsService,
    private readonly clock: Clock,
  ) {}

  async agents(scope: HostScope, query: AgentQuery): Promise<AgentList> {
    const [agents, states] = await Promise.all([
      this.fleet.list(scope, { ...query, limit: query.limit + 1 }),
      this.fleet.countByState(scope, query),
    ])
    const page = agents.slice(0, query.limit)
    const wanted = query.states ?? (query.state ? [query.state] : undefined)
    return {
      agents: page,
      next: agents.length > query.limit ? (page.at(-1)?.host ?? null) : null,
      total: Object.entries(states).reduce(
        (sum, [state, count]) => (wanted?.includes(state as HostState) === false ? sum : sum + count),
        0,
      ),
      states,
    }
  }

  async sparklines(scope: HostScope, hostIds: string[]): Promise<Sparkline[]> {
    const stepMs = RESOLUTION_S['5m'] * 1000
    const last = Math.floor(this.clock.now().getTime() / stepMs) * stepMs
    const steps = Array.from({ length: SPARKLINE_STEPS }, (_, i) => last - (SPARKLINE_STEPS - 1 - i) * stepMs)
    const rows = await this.fleet.recentSamples(
      scope,
      hostIds,
      RESOLUTION_S['5m'],
      new Date(steps[0] ?? last),
    )
    const byHost = Map.groupBy(rows, ({ hostId }) => hostId)
    return hostIds.map((hostId) => {
      const at = new Map(byHost.get(hostId)?.map((row) => [row.at.getTime(), row]))
      return {
        hostId,
        cpu: steps.map((step) => at.get(step)?.cpu ?? null),
        memory: steps.map((step) => at.get(step)?.memory ?? null),
      }
    })
  }

  async health(scope: HostScope): Promise<ClusterHealth> {
    return clusterHealthOf(await this.fleet.countByState(scope))
  }

  async status(hostId: string): Promise<HostStatus> {
    const host = await this.hosts.show(hostId)
    const report = await this.fleet.report(host.id)
    const { profile } = report
    return {
      host: { id: host.id, name: host.name },
      state: host.state,
      stateCode: host.stateCode,
      stateReason: host.stateReason && sanitizeText(host.stateReason, 2000),
      stateSince: host.stateSince.toISOString(),
      lastAnswerAt: report.lastAnswerAt?.toISOString() ?? null,
      roundTripMs: report.roundTripMs,
      clockOffsetMs: report.clockOffsetMs,
      areValuesStale: areValuesStale(host.state),
      nextCallAt: report.dueAt?.toISOString() ?? null,
      heartbeat: profile && {
        profile: profile.name,
        minMs: profile.minMs,
        maxMs: profile.maxMs,
        offlineAfterMs: profile.offlineAfterMs,
      },
      autoReinstall: host.autoReinstall,
      facts: report.facts,
      factsChangedAt: report.factsChangedAt?.toISOString() ?? null,
      vitals: report.vitals,
    }
  }

  async history(hostId: string, limit: number, before: number | undefined): Promise<HostEvent[]> {
    const host = await this.hosts.show(hostId)
    const events = await this.fleet.events(host.id, limit, before)
    return events.map((event) => ({ ...event, reason: event.reason && sanitizeText(event.reason, 2000) }))
  }

  async samples(hostId: string, resolution: '5m' | '1h'): Promise<HostSample[]> {
    const host = await this.hosts.show(hostId)
    const since = new Date(this.clock.now().getTime() - SPAN_MS[resolution])
    return this.fleet.samples(host.id, RESOLUTION_S[resolution], since)
  }
}
