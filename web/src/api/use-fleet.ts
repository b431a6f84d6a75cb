import type { AgentChange, AgentView } from '@rollcall/contracts/admin'
import { useSyncExternalStore } from 'react'
import { live } from './live.ts'

/** The fleet as the server pushes it: one copy for all that look at it, which lives while anybody does. */
class LiveFleet {
  agents: ReadonlyMap<string, AgentView> = new Map()
  /** Whether the first snapshot is whole. */
  isComplete = false
  #building: Map<string, AgentView> | undefined
  #viewers = 0
  #stop: (() => void) | undefined
  #isTelling = false
  readonly #listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#viewers++ === 0) this.#begin()
    return () => {
      this.#listeners.delete(listener)
      if (--this.#viewers === 0) this.#stop?.()
    }
  }

  #begin(): void {
    this.#stop = live.follow({
      takes: (event) => event.type === 'fleet',
      begin: () => ({ type: 'watch-fleet' }),
      end: () => ({ type: 'unwatch-fleet' }),
      onEvent: (event) => {
        if (event.type === 'fleet') this.#take(event)
      },
    })
  }

  #take(event: { isSnapshot: boolean; isComplete: boolean; agents: AgentChange[]; removed: string[] }): void {
    if (event.isSnapshot) {
      this.#building ??= new Map()
      for (const agent of event.agents) this.#building.set(agent.hostId, agent as AgentView)
      if (!event.isComplete) return
      this.agents = this.#building
      this.#building = undefined
      this.isComplete = true
    } else {
      const next = this.agents as Map<string, AgentView>
      for (const change of event.agents) {
        const known = next.get(change.hostId)
        // Rows are replaced and the map is not: ten thousand are not copied for one that has changed.
        next.set(change.hostId, { ...known, ...change } as AgentView)
      }
      for (const hostId of event.removed) next.delete(hostId)
    }
    this.#tell()
  }

  /** Once a frame at most. */
  #tell(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    requestAnimationFrame(() => {
      this.#isTelling = false
      this.version++
      for (const listener of this.#listeners) listener()
    })
  }

  version = 0
}

const fleet = new LiveFleet()

/** The whole fleet, live. A new render for every frame in which something has changed. */
export function useLiveFleet(): { agents: ReadonlyMap<string, AgentView>; isComplete: boolean } {
  useSyncExternalStore(fleet.subscribe, () => fleet.version)
  return fleet
}
