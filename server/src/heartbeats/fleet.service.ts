import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import type { ClusterHealth, HostEvent, HostSample, HostState, HostStatus } from '@rollcall/contracts/admin'
import { HostsService } from '../hosts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { clusterHealthOf } from './domain/cluster-health.ts'
import { FleetRepository } from './fleet.repository.ts'

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

  async agents(filter: { state?: HostState | undefined; after?: string | undefined; limit: number }) {
    const agents = await this.fleet.agents({ ...filter, limit: filter.limit + 1 })
    const page = agents.slice(0, filter.limit)
    return { agents: page, next: agents.length > filter.limit ? (page.at(-1)?.host ?? null) : null }
  }

  async health(): Promise<ClusterHealth> {
    return clusterHealthOf(await this.fleet.countByState())
  }

  async status(nameOrId: string): Promise<HostStatus> {
    const host = await this.hosts.show(nameOrId)
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

  async history(nameOrId: string, limit: number, before: number | undefined): Promise<HostEvent[]> {
    const host = await this.hosts.show(nameOrId)
    const events = await this.fleet.events(host.id, limit, before)
    return events.map((event) => ({ ...event, reason: event.reason && sanitizeText(event.reason, 2000) }))
  }

  async samples(nameOrId: string, resolution: '5m' | '1h'): Promise<HostSample[]> {
    const host = await this.hosts.show(nameOrId)
    const since = new Date(this.clock.now().getTime() - SPAN_MS[resolution])
    return this.fleet.samples(host.id, RESOLUTION_S[resolution], since)
  }
}
