import type { AgentChange, AgentView, LiveEvent } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { FleetView } from './fleet-view.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const SINCE = '2026-03-01T11:00:00.000Z'
const LATER = '2026-03-01T11:59:00.000Z'
const idOf = (number: number) => `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`

const agent = (number: number, more: Partial<AgentView> = {}): AgentView => ({
  hostId: idOf(number),
  host: `host-${number}`,
  labels: {},
  state: 'online',
  stateCode: null,
  stateReason: null,
  stateSince: SINCE,
  version: '0.1.0',
  lastAnswerAt: SINCE,
  roundTripMs: 1,
  clockOffsetMs: 0,
  areValuesStale: false,
  cpuPercent: 10,
  memoryPercent: 20,
  address: '192.0.2.7',
  nextCallAt: null,
  diskPercent: 30,
  load: 0.5,
  uptimeS: 100,
  runningCommands: 0,
  ...more,
})
const snapshot = (agents: AgentChange[], isComplete = true): LiveEvent & { type: 'fleet' } => ({
  type: 'fleet',
  isSnapshot: true,
  isComplete,
  cursor: 'sight.1',
  agents,
  removed: [],
})
const difference = (agents: AgentChange[], removed: string[] = []): LiveEvent & { type: 'fleet' } => ({
  type: 'fleet',
  isSnapshot: false,
  isComplete: true,
  cursor: 'sight.1',
  agents,
  removed,
})
const offline = { state: 'offline', stateCode: 'agent.unreachable', stateReason: 'Silent.' } as const

const knowing = (...agents: AgentView[]) => {
  const view = new FleetView()
  view.take(snapshot(agents), NOW)
  return view
}
const statesIn = (view: FleetView) => view.agents.map(({ host, state }) => `${host} ${state}`)

describe('FleetView', () => {
  it('what is seen for the first time is no change, in however many messages it comes', () => {
    const view = new FleetView()
    expect(view.take(snapshot([agent(1)], false), NOW)).toEqual({
      changes: [],
      isWhole: false,
      isMissing: false,
    })
    expect(view.agents).toEqual([])
    expect(view.take(snapshot([agent(2, offline)]), NOW)).toMatchObject({ changes: [], isWhole: true })
    expect(statesIn(view)).toEqual(['host-1 online', 'host-2 offline'])
  })

  it('a change of state has its own time and reason, and other values are kept', () => {
    const view = knowing(agent(1))
    const { changes } = view.take(difference([{ hostId: idOf(1), ...offline, stateSince: LATER }]), NOW)
    expect(changes).toEqual([
      {
        at: LATER,
        hostId: idOf(1),
        host: 'host-1',
        from: 'online',
        to: 'offline',
        code: 'agent.unreachable',
        reason: 'Silent.',
      },
    ])
    expect(view.agents[0]).toMatchObject({ host: 'host-1', state: 'offline', cpuPercent: 10 })
  })

  it('a new reason within a state is a change, new figures are none', () => {
    const view = knowing(agent(1, { state: 'degraded', stateCode: 'host.cpu_high' }))
    expect(view.take(difference([{ hostId: idOf(1), cpuPercent: 99 }]), NOW).changes).toEqual([])
    expect(view.agents[0]?.cpuPercent).toBe(99)
    const { changes } = view.take(difference([{ hostId: idOf(1), stateCode: 'host.memory_high' }]), NOW)
    expect(changes).toMatchObject([{ at: NOW.toISOString(), from: 'degraded', code: 'host.memory_high' }])
  })

  it('a value that becomes unknown is taken over as unknown', () => {
    const view = knowing(agent(1))
    view.take(difference([{ hostId: idOf(1), cpuPercent: null }]), NOW)
    expect(view.agents[0]?.cpuPercent).toBeNull()
  })

  it('hosts that came and hosts that left are changes', () => {
    const view = knowing(agent(1))
    const { changes } = view.take(difference([agent(2, { state: 'installing' })], [idOf(1), idOf(9)]), NOW)
    expect(changes).toMatchObject([
      { host: 'host-2', from: null, to: 'installing' },
      { host: 'host-1', from: 'online', to: 'removed', at: NOW.toISOString() },
    ])
    expect(statesIn(view)).toEqual(['host-2 installing'])
  })

  it('after a reconnection tells what changed meanwhile, and nothing else', () => {
    const view = knowing(agent(1), agent(2), agent(3))
    view.awaitSnapshot()
    const { changes, isWhole } = view.take(
      snapshot([agent(1, { ...offline, stateSince: LATER }), agent(2, { cpuPercent: 50 }), agent(4)]),
      NOW,
    )
    expect(isWhole).toBe(true)
    expect(changes).toMatchObject([
      { host: 'host-1', from: 'online', to: 'offline', at: LATER },
      { host: 'host-4', from: null, to: 'online' },
      { host: 'host-3', from: 'online', to: 'removed' },
    ])
  })

  it('a snapshot that broke off leaves no trace in the next one', () => {
    const view = knowing(agent(1))
    view.awaitSnapshot()
    view.take(snapshot([agent(2)], false), NOW)
    view.awaitSnapshot()
    expect(view.take(snapshot([agent(1)]), NOW).changes).toEqual([])
    expect(statesIn(view)).toEqual(['host-1 online'])
  })

  it('notices what is missing: a part of an unknown host, a difference within a snapshot', () => {
    const view = knowing(agent(1))
    const partly = view.take(
      difference([
        { hostId: idOf(9), cpuPercent: 1 },
        { hostId: idOf(1), ...offline },
      ]),
      NOW,
    )
    expect(partly.isMissing).toBe(true)
    // What was understood is told all the same: it will not be told again.
    expect(partly.changes).toHaveLength(1)
    expect(view.take(snapshot([{ hostId: idOf(9), cpuPercent: 1 }]), NOW)).toMatchObject({
      isMissing: true,
      isWhole: false,
    })
    view.awaitSnapshot()
    view.take(snapshot([agent(1)], false), NOW)
    expect(view.take(difference([agent(2)]), NOW).isMissing).toBe(true)
  })

  it('ignores differences that came before the snapshot that was asked for', () => {
    const view = knowing(agent(1))
    view.awaitSnapshot()
    expect(view.take(difference([{ hostId: idOf(9), cpuPercent: 1 }]), NOW)).toEqual({
      changes: [],
      isWhole: false,
      isMissing: false,
    })
  })

  it('the view of a fleet holds a bounded number of hosts', () => {
    const full = () => {
      const view = new FleetView(2)
      view.take(snapshot([agent(1), agent(2)]), NOW)
      return view
    }
    expect(() => full().take(difference([agent(3)]), NOW)).toThrow('more than 2 hosts')
    expect(() => full().take(snapshot([agent(1), agent(2), agent(3)], false), NOW)).toThrow(
      'more than 2 hosts',
    )
  })
})
