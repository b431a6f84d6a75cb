import type { AgentChange, AgentView, HostState, LiveEvent } from '@rollcall/contracts/admin'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { type LiveClient, live } from './live.ts'

export type StateCounts = Partial<Record<HostState, number>>

/**
 * Holds the hosts that are watched, as the server pushes them, and how many there are in each state. All viewers share one copy,
 * which lives as long as any of them.
 */
export class LiveFleet {
  agents: ReadonlyMap<string, AgentView> = new Map()
  /** Undefined before the first message. */
  states: StateCounts | undefined
  #building: Map<string, AgentView> | undefined
  #cursor: string | undefined
  #stop: (() => void) | undefined
  #isNotifying = false
  #asked = ''
  readonly #wanted = new Map<object, readonly string[]>()
  readonly #listeners = new Set<() => void>()

  constructor(private readonly live: Pick<LiveClient, 'follow'>) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Watches these hosts on behalf of `viewer`, until it watches others or leaves. */
  watch(viewer: object, hostIds: readonly string[]): void {
    this.#wanted.set(viewer, hostIds)
    this.#ask()
  }

  leave(viewer: object): void {
    this.#wanted.delete(viewer)
    if (this.#wanted.size > 0) return
    this.#stop?.()
    this.#stop = undefined
    this.#asked = ''
    this.#cursor = undefined
  }

  #ask(): void {
    const hostIds = [...new Set([...this.#wanted.values()].flat())].sort()
    const asked = hostIds.join()
    if (this.#stop && asked === this.#asked) return
    this.#asked = asked
    this.#cursor = undefined
    this.#stop?.()
    this.#stop = this.live.follow({
      takes: (event) => event.type === 'fleet',
      begin: () => {
        // Half a snapshot is worth nothing: the next one replaces it.
        this.#building = undefined
        return { type: 'watch-fleet', hostIds, ...(this.#cursor && { since: this.#cursor }) }
      },
      end: () => ({ type: 'unwatch-fleet' }),
      onEvent: (event) => {
        if (event.type === 'fleet') this.#take(event)
      },
    })
  }

  #take(event: LiveEvent & { type: 'fleet' }): void {
    if (event.isSnapshot) {
      this.#building ??= new Map()
      for (const agent of event.agents) this.#building.set(agent.hostId, agent as AgentView)
      if (!event.isComplete) return
      this.agents = this.#building
      this.#building = undefined
    } else this.#change(event.agents, event.removed)
    if (event.states) this.states = event.states
    if (event.isComplete) this.#cursor = event.cursor
    this.#notify()
  }

  #change(changes: AgentChange[], removed: string[]): void {
    const next = new Map(this.agents)
    for (const change of changes)
      next.set(change.hostId, { ...next.get(change.hostId), ...change } as AgentView)
    for (const hostId of removed) next.delete(hostId)
    this.agents = next
  }

  /** Notifies the viewers, once a frame at most. */
  #notify(): void {
    if (this.#isNotifying) return
    this.#isNotifying = true
    requestAnimationFrame(() => {
      this.#isNotifying = false
      for (const listener of this.#listeners) listener()
    })
  }
}

const fleet = new LiveFleet(live)

/** Returns these hosts, live. Renders again for every frame in which something has changed. */
export function useLiveFleet(hostIds: readonly string[]): ReadonlyMap<string, AgentView> {
  useWatched(hostIds)
  return useSyncExternalStore(fleet.subscribe, () => fleet.agents)
}

/** Returns how many hosts there are in each state, undefined before the first message. Renders again only when they change. */
export function useLiveCounts(): StateCounts | undefined {
  useWatched([])
  return useSyncExternalStore(fleet.subscribe, () => fleet.states)
}

function useWatched(hostIds: readonly string[]): void {
  const viewer = useRef({}).current
  const key = hostIds.join()
  useEffect(() => fleet.watch(viewer, key ? key.split(',') : []), [viewer, key])
  useEffect(() => () => fleet.leave(viewer), [viewer])
}
