import { Injectable } from '@nestjs/common'
import { type CommandKind, FINAL_STATES } from '@rollcall/contracts/admin'
import { Metrics } from '../platform/metrics/metrics.ts'
import { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import type { Ending } from './domain/command.ts'

/** Commands by state, for Prometheus. */
@Injectable()
export class CommandMetrics {
  private readonly endings

  constructor(metrics: Metrics, lifecycle: CommandLifecycleRepository) {
    metrics.states({
      name: 'rollcall_commands',
      help: 'Commands that have not ended: held back by the limits of their run, pending, or running.',
      states: ['held', 'pending', 'running'],
      count: () => lifecycle.countUnfinished(),
    })
    this.endings = metrics.counter({
      name: 'rollcall_commands_ended_total',
      help: 'Commands, installations and removals that this server saw to their end, by how they ended.',
      labelNames: ['kind', 'state'] as const,
    })
    for (const state of FINAL_STATES) this.endings.inc({ kind: 'command', state }, 0)
  }

  ended(kind: CommandKind, state: Ending['state']): void {
    this.endings.inc({ kind, state })
  }
}
