import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { HOST_STATES } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { FleetRepository } from './fleet.repository.ts'

const INTERVAL_MS = 600_000
const KEEP_EVENTS_MS = 90 * 86_400_000
const EVENTS_PER_HOST = 500

/** Counts agents by state for Prometheus, and keeps the histories of states within their bounds. */
@Injectable()
export class FleetUpkeep implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private removing = Promise.resolve()

  constructor(
    private readonly fleet: FleetRepository,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    metrics: Metrics,
  ) {
    metrics.states({
      name: 'rollcall_agents',
      help: 'Hosts of the fleet by state.',
      states: HOST_STATES,
      count: () => fleet.countByState(),
    })
  }

  onModuleInit() {
    this.removing = this.repeater.repeat(
      'removing old events of hosts',
      INTERVAL_MS,
      this.stopping.signal,
      () => this.fleet.removeEvents(new Date(this.clock.now().getTime() - KEEP_EVENTS_MS), EVENTS_PER_HOST),
    )
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.removing
  }
}
