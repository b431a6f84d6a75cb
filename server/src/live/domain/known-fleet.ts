import type { AgentChange, AgentView, HostState } from '@rollcall/contracts/admin'
import { differenceOf } from './fleet-difference.ts'

/** Hosts that left are remembered for those who come back; whoever was away for longer gets all anew. */
const REMEMBERED_REMOVALS = 1000

export interface Difference {
  changes: AgentChange[]
  removed: string[]
}

/** The fleet as it was last read, with the number of the reading in which each agent was last another. */
export class KnownFleet {
  private readonly agents = new Map<string, { agent: AgentView; at: number }>()
  private readonly removals: { hostId: string; at: number }[] = []
  private forgottenUpTo = 0
  /** Of the reading that changed something last. */
  sequence = 0

  get(hostId: string): AgentView | undefined {
    return this.agents.get(hostId)?.agent
  }

  all(): AgentView[] {
    return Array.from(this.agents.values(), ({ agent }) => agent)
  }

  /** Takes what was read of some agents, or of all of them; returns what is new. */
  take(read: readonly AgentView[], isWhole: boolean): Difference {
    const changes = read.flatMap((agent) => differenceOf(this.get(agent.hostId), agent) ?? [])
    const present = isWhole ? new Set(read.map(({ hostId }) => hostId)) : undefined
    const removed = present ? [...this.agents.keys()].filter((hostId) => !present.has(hostId)) : []
    if (changes.length === 0 && removed.length === 0) return { changes, removed }
    this.sequence++
    const changed = new Set(changes.map(({ hostId }) => hostId))
    for (const agent of read)
      if (changed.has(agent.hostId)) this.agents.set(agent.hostId, { agent, at: this.sequence })
    this.drop(removed)
    return { changes, removed }
  }

  /** Takes those out that were asked for and are not there any more. */
  takeNamed(asked: readonly string[], read: readonly AgentView[]): Difference {
    const { changes } = this.take(read, false)
    const present = new Set(read.map(({ hostId }) => hostId))
    const removed = asked.filter((hostId) => !present.has(hostId) && this.agents.has(hostId))
    if (removed.length > 0) this.sequence++
    this.drop(removed)
    return { changes, removed }
  }

  /** Whole agents that have changed after `sequence`, and who left; undefined where that is not known any more. */
  since(sequence: number): Difference | undefined {
    if (sequence > this.sequence || sequence < this.forgottenUpTo) return undefined
    return {
      changes: Array.from(this.agents.values()).flatMap(({ agent, at }) => (at > sequence ? [agent] : [])),
      removed: this.removals.filter(({ at }) => at > sequence).map(({ hostId }) => hostId),
    }
  }

  countStates(isSeen: (agent: AgentView) => boolean): Partial<Record<HostState, number>> {
    const counts: Partial<Record<HostState, number>> = {}
    for (const { agent } of this.agents.values())
      if (isSeen(agent)) counts[agent.state] = (counts[agent.state] ?? 0) + 1
    return counts
  }

  private drop(hostIds: readonly string[]): void {
    for (const hostId of hostIds) {
      this.agents.delete(hostId)
      this.removals.push({ hostId, at: this.sequence })
    }
    while (this.removals.length > REMEMBERED_REMOVALS)
      this.forgottenUpTo = this.removals.shift()?.at ?? this.sequence
  }
}
