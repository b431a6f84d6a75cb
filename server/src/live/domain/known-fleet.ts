import type { AgentChange, AgentView, HostState } from '@rollcall/contracts/admin'
import { differenceOf } from './fleet-difference.ts'

/** Removals that are kept for viewers that reconnect; one that missed more is sent a snapshot. */
const MAX_REMOVALS = 1000

export interface Difference {
  changes: AgentChange[]
  removed: string[]
}

/** The fleet as it was last read, and the sequence number at which each agent last changed. */
export class KnownFleet {
  private readonly agents = new Map<string, { agent: AgentView; at: number }>()
  private readonly removals: { hostId: string; at: number }[] = []
  private droppedUpTo = 0
  /** Counts the reads that changed something. */
  sequence = 0

  get(hostId: string): AgentView | undefined {
    return this.agents.get(hostId)?.agent
  }

  all(): AgentView[] {
    return Array.from(this.agents.values(), ({ agent }) => agent)
  }

  /** Stores what was read of some agents, or of all of them. Returns what has changed. */
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

  /** Stores what was read of the agents of `asked`, and removes those that were not found. Returns what has changed. */
  takeByIds(asked: readonly string[], read: readonly AgentView[]): Difference {
    const { changes } = this.take(read, false)
    const present = new Set(read.map(({ hostId }) => hostId))
    const removed = asked.filter((hostId) => !present.has(hostId) && this.agents.has(hostId))
    if (removed.length > 0) this.sequence++
    this.drop(removed)
    return { changes, removed }
  }

  /** Returns the agents that have changed after `sequence`, whole, and those that left; undefined where that is not kept any more. */
  since(sequence: number): Difference | undefined {
    if (sequence > this.sequence || sequence < this.droppedUpTo) return undefined
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
    while (this.removals.length > MAX_REMOVALS) this.droppedUpTo = this.removals.shift()?.at ?? this.sequence
  }
}
